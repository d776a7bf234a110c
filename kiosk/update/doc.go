// Package update brings a door to another version and back again.
//
// The card has two systems, in the slots A and B; RAUC writes the one that is not running and tells U-Boot to start it at the
// next restart, as often as its configuration says (boot-attempts-primary). Updater installs and restarts, Confirmer judges
// the new system from inside:
//
//	installed --restart--> on trial --self-test--> good    the slot's starts are counted afresh
//	    |                     |  \---- not well ---> failed  the slot is marked bad, the door restarts into the old one
//	    |                     |\-- no registry ---> returned, in the same way
//	    |                     \-- never got so far -> returned, by U-Boot
//	    \-- the registry takes it back -> nothing happened
//
// Whether a system is on trial cannot be asked of RAUC: with U-Boot a slot counts as good as long as it has starts left,
// which may be so from the moment of its installation (rauc, src/bootloaders/uboot.c). So the door keeps a file of its own on
// the state partition, which both systems share: update.json, see State. A version that failed is never installed again; one
// that returned may be tried again twice, as a power cut before the end of the test, or a network that was gone just then,
// looks the same.
//
// A version that comes as a file, on a stick, need not reach the registry where the old one did not reach it either, nor have what only
// a network brings; a door without a network could never be brought up to date otherwise. Trial.Alone says so. A version that does not
// know that key asks for the registry, and the door goes back.
//
// A system that is not on trial is never restarted for being sick: the old one would see the same broken camera.
package update
