# U-Boot's script: it chooses a slot, counts the try and boots it. The script "build" compiles it to
# boot.scr.
#
# The state is RAUC's (BOOT_ORDER, BOOT_A_LEFT, BOOT_B_LEFT) in U-Boot's format, CRC-32 and
# NAME=VALUE. It fits into one sector of 512 bytes, so a write is complete or does not happen. RAUC
# writes the first copy (sector 0x800) through fw_setenv. The second (0xc00) is written at each
# start: if the first is torn, it leads to the slot that was running, never to one that was being
# written.
#
# A slot is one FAT partition with kernel, initrd, the boards' device trees and the root file system
# as a file, so that all of them change together.
test -n "${devtype}" || setenv devtype mmc
test -n "${devnum}" || setenv devnum 0

# Addresses in memory: a Pi has 512 MB or more from 0; QEMU's virt board begins at 0x40000000 and
# sets most of them itself.
if test "${devtype}" = virtio; then
	setenv kernel_comp_addr_r 0x48000000
	setenv tree_of_slot 'setenv tree ${fdtcontroladdr}'
else
	setenv kernel_addr_r 0x03000000
	setenv kernel_comp_addr_r 0x08000000
	setenv ramdisk_addr_r 0x0c000000
	setenv fdt_addr_r 0x02600000
	setenv tree_of_boot 'echo "slot ${slot} has no ${fdtfile}: taking the tree of the boot partition"; setenv tree ${fdt_addr}'
	setenv tree_of_slot 'setenv tree ${fdt_addr_r}; load ${devtype} ${devnum}:${part} ${fdt_addr_r} dtb/${fdtfile} || run tree_of_boot; run overlay_all'
	# What an administrator lays over the tree: the line "overlays=NAME NAME..." of overlays.txt, and
	# overlays/NAME.dtbo. An overlay that does not fit destroys the tree, so a copy is kept of it.
	setenv overlay_addr 0x02800000
	setenv copy_addr 0x02700000
	setenv overlay_back 'echo "overlay ${name}: left out"; cp.b ${copy_addr} ${tree} 0x40000; fdt addr ${tree}'
	setenv overlay_one 'cp.b ${tree} ${copy_addr} 0x40000; if load ${devtype} ${devnum}:1 ${overlay_addr} overlays/${name}.dtbo && fdt apply ${overlay_addr}; then setenv overlaid ${overlaid}${name},; else run overlay_back; fi'
	setenv overlay_all 'setenv overlaid; if test -n "${overlays}"; then fdt addr ${tree}; fdt resize 0x8000; for name in ${overlays}; do run overlay_one; done; fi'
	setenv overlays
	load ${devtype} ${devnum}:1 ${overlay_addr} overlays.txt && env import -t -r ${overlay_addr} ${filesize} overlays
fi

setenv BOOT_ORDER "A B"
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
setenv names BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
${devtype} dev ${devnum}
if ${devtype} read ${ramdisk_addr_r} 0x800 1 && env import -c ${ramdisk_addr_r} 0x200 ${names}; then
	echo "slots: ${BOOT_ORDER}, tries left: A ${BOOT_A_LEFT} B ${BOOT_B_LEFT}"
elif ${devtype} read ${ramdisk_addr_r} 0xc00 1 && env import -c ${ramdisk_addr_r} 0x200 ${names}; then
	echo "slots, from the second copy: ${BOOT_ORDER}, tries left: A ${BOOT_A_LEFT} B ${BOOT_B_LEFT}"
else
	echo "slots: this card has no state, starting with A"
fi

setenv keep 'env export -c -s 0x200 ${ramdisk_addr_r} ${names} && ${devtype} write ${ramdisk_addr_r} 0x800 1 && ${devtype} write ${ramdisk_addr_r} 0xc00 1'
setenv load_kernel 'load ${devtype} ${devnum}:${part} ${kernel_addr_r} vmlinuz && setenv kernel_comp_size ${filesize}'
setenv load_initrd 'load ${devtype} ${devnum}:${part} ${ramdisk_addr_r} initrd && setenv ramdisk ${ramdisk_addr_r}:${filesize}'
setenv arguments 'setenv bootargs quiet loglevel=4 panic=10 rauc.slot=${slot} ashyq.slot=${uuid} ashyq.overlays=${overlaid} ${extraargs}'
setenv boot_slot 'echo "booting slot ${slot}"; run keep; part uuid ${devtype} ${devnum}:${part} uuid && run load_kernel && run load_initrd && run tree_of_slot && run arguments && booti ${kernel_addr_r} ${ramdisk} ${tree}'

for slot in "${BOOT_ORDER}"; do
	if test "${slot}" = A && test ${BOOT_A_LEFT} -gt 0; then
		setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
		setenv part 2
		run boot_slot
	fi
	if test "${slot}" = B && test ${BOOT_B_LEFT} -gt 0; then
		setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
		setenv part 3
		run boot_slot
	fi
done
# Trying again is better than a dark door.
echo "no slot has a try left: each gets three more"
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
run keep
reset
