package cache

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// An export is a list in one file, for another card. It says nothing about rules, keys, times and
// reports. As on the card, everybody's status is readable by index, and nothing proves who wrote
// it: replica.Import does. Numbers are big-endian.
//
//	8   "AQLIST1\n"
//	4   epoch
//	8   version of the list
//	2   length of the list's name, and the name
//	4   number of sections, and for each of them
//	    8 version of the list that changed it last
//	    524288 bytes of the packed section
//	32  SHA-256 of everything before
const exportMagic = "AQLIST1\n"

// Export is what an export holds.
type Export struct {
	Edition  statuslist.Edition
	List     string
	Sections []ExportSection
}

// ExportSection is one of its sections.
type ExportSection struct {
	Version uint64
	Section *statuslist.Section
}

// maxExport is how many sections an export may have: 64 million people.
const maxExport = 64

// ErrExport says that a file is not an export, or not all of one.
var ErrExport = errors.New("not an exported list")

// Export writes the list. Errors: kiosk.ErrNoData.
func (c *Cache) Export(to io.Writer) error {
	v := c.view.Load()
	if v == nil {
		return fmt.Errorf("export the list: %w", kiosk.ErrNoData)
	}
	hash := sha256.New()
	out := bufio.NewWriter(io.MultiWriter(to, hash))
	head := binary.BigEndian.AppendUint32([]byte(exportMagic), v.edition.Epoch)
	head = binary.BigEndian.AppendUint64(head, v.edition.Version)
	head = append(binary.BigEndian.AppendUint16(head, uint16(len(v.list))), v.list...)
	_, _ = out.Write(binary.BigEndian.AppendUint32(head, uint32(len(v.sections)))) // Flush returns the error
	for _, s := range v.sections {
		_, _ = out.Write(binary.BigEndian.AppendUint64(nil, s.Version))
		for _, chunk := range s.packed {
			_, _ = out.Write(chunk)
		}
	}
	err := out.Flush()
	if err == nil {
		_, err = to.Write(hash.Sum(nil))
	}
	if err != nil {
		return fmt.Errorf("export the list: %w", err)
	}
	return nil
}

// ReadExport reads an export. An error wraps ErrExport if it is not one.
func ReadExport(from io.Reader) (Export, error) {
	const most = 1 << 17 // bytes beside the sections
	data, err := io.ReadAll(io.LimitReader(from, maxExport*statuslist.PackedSize+most))
	if err != nil {
		return Export{}, fmt.Errorf("read the exported list: %w", err)
	}
	e, err := parseExport(data)
	if err != nil {
		return Export{}, fmt.Errorf("read the exported list: %w: %w", ErrExport, err)
	}
	return e, nil
}

// parseExport makes the sections of parts of data.
func parseExport(data []byte) (e Export, err error) {
	body := len(data) - sha256.Size
	if body < len(exportMagic) || string(data[:len(exportMagic)]) != exportMagic {
		return e, errors.New("it does not begin like one")
	}
	if sha256.Sum256(data[:body]) != [sha256.Size]byte(data[body:]) {
		return e, errors.New("it is not complete, or was damaged on the way")
	}
	const fixed = 4 + 8 + 2 + 4
	rest := data[len(exportMagic):body]
	if len(rest) < fixed || len(rest) < fixed+int(binary.BigEndian.Uint16(rest[12:])) {
		return e, errors.New("it is too short")
	}
	e.Edition = statuslist.Edition{Epoch: binary.BigEndian.Uint32(rest), Version: binary.BigEndian.Uint64(rest[4:])}
	name, rest := binary.BigEndian.Uint16(rest[12:]), rest[14:]
	e.List, rest = string(rest[:name]), rest[name:]
	n, rest := binary.BigEndian.Uint32(rest), rest[4:]
	const sectionSize = 8 + statuslist.PackedSize
	if n == 0 || n > maxExport || len(rest) != int(n)*sectionSize {
		return e, fmt.Errorf("%d bytes for %d sections", len(rest), n)
	}
	for part := range slices.Chunk(rest, sectionSize) {
		section, err := statuslist.FromPacked(part[8:])
		if err != nil {
			return e, fmt.Errorf("section %d: %w", len(e.Sections), err)
		}
		e.Sections = append(e.Sections, ExportSection{binary.BigEndian.Uint64(part), section})
	}
	return e, nil
}
