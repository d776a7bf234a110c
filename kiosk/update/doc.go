// Package update brings a door to another version, and back if that fails.
//
// The card has two systems, in the slots A and B. RAUC writes the one that is not running and tells
// U-Boot to start it at the next restart, and how often to try (boot-attempts-primary). Updater
// installs and restarts; Confirmer runs in the new system and judges it:
//
//	installed --restart--> on trial --self-test--> good    the slot gets its starts back
//	    |                     |  \--- unhealthy ---> failed  marked bad; back to the old system
//	    |                     |\-- no registry ---> returned, in the same way
//	    |                     \-- never got so far -> returned, by U-Boot
//	    \-- the registry takes it back -> nothing happened
//
// RAUC cannot say whether a system is on trial: with U-Boot a slot counts as good as long as it has
// starts left, which may be so from the moment of its installation (rauc, src/bootloaders/uboot.c).
// So the door keeps its own file on the state partition, which both systems share: update.json, see
// State. A version that failed is never installed again. One that returned is tried twice more,
// because a power cut before the end of the test, or a network that was down just then, looks the
// same.
//
// A version that comes as a file, on a stick, need not reach the registry if the old version did
// not reach it either, and need not have what only a network brings. Otherwise a door without a
// network could never be updated. Trial.Alone says so. A version that does not know that key asks
// for the registry, and the door goes back.
//
// A system that is not on trial is never restarted because the door is unhealthy: the other system
// would see the same broken camera.
package update
