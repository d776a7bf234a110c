// Package provision sets a door up from the files on its card's boot partition: those that
// Raspberry Pi Imager writes for our image (init_format "cloudinit" in image-build/card/publish),
// and those that an administrator puts there.
//
//	hostname          the host name, one line
//	authorized_keys   SSH keys, one a line
//	user-data         cloud-init, YAML: hostname, timezone, users[].ssh_authorized_keys
//	network-config    netplan, YAML: wifis.*.access-points, wifis.*.regulatory-domain; of wifis.* and
//	                  ethernets.*: addresses, gateway4, routes, nameservers; of ethernets.*: auth
//	8021x/            certificates and key that auth names
//	proxy             the proxy's URL; on a second line hosts without it
//	ashyq-kiosk.toml  the daemon's configuration; copied if it is valid
//	factory-reset     the state partition is emptied, then this file is removed
//
// It runs as root at each boot, before the network and the daemon: /etc of the image is reset at
// each boot, so everything has to be set up again.
//
// For a single value the first file in this order counts; SSH keys and networks count from all
// files. The network of an enrolment code (wifi.json on the state partition) comes last:
// wpa_supplicant prefers the card's networks while they are in range, and at a venue whose card
// names an old network a code can still bring the door online.
//
// Only a key switches SSH on; passwords are never taken. Nothing in the files is run, and links
// that an unprivileged process could have made are not followed. An invalid file or value is
// reported and left out; it never stops the boot.
//
// The machine's ID is the initrd's job (image-build/card/initrd): systemd reads /etc/machine-id
// before the first unit.
package provision
