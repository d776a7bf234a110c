// Package provision takes over what the administrator has put on the card's boot partition, by the conventions of Raspberry Pi
// Imager where it has one. It runs as root at each boot, before the network and the daemon, because /etc of the image
// forgets; so it also has to find everything again by itself.
//
//	hostname                             the host name, one line
//	authorized_keys                      SSH keys, one a line
//	user-data       cloud-init, YAML     hostname, timezone, ssh_authorized_keys, users[].ssh_authorized_keys
//	network-config  netplan, YAML        wifis.*.access-points, wifis.*.regulatory-domain; of wifis.* and
//	                                     ethernets.*: addresses, gateway4, routes, nameservers
//	proxy                                the proxy's URL; on a second line hosts without it
//	custom.toml     Imager until 1.9     system.hostname, ssh.authorized_keys, wlan, locale.timezone
//	wpa_supplicant.conf                  as it is
//	ashyq-kiosk.toml                     the daemon's configuration, as it is, if it is a good one
//	factory-reset                        everything on the state partition is removed, then this file
//	meta-data, ssh, userconf.txt         nothing is taken from them
//
// A value counts from the first of these files that has a good one, in this order; keys and networks count from all of them.
// The network that an enrolment code has brought (wifi.json on the state partition) comes last: wpa_supplicant prefers the
// card's networks where they are in the air and work, and somebody at a venue whose card has an old one can still help with
// a code.
//
// SSH is switched on by a key and by nothing else: no password is ever taken. Nothing of the files is run, and nothing that
// an unprivileged process can write is followed as a link. A file or value that is not good is reported and left out; it
// never stops the boot.
//
// The machine's ID is not brought here: systemd has read /etc/machine-id before the first unit runs, so that is for the
// initrd (image-build/card/initrd).
package provision
