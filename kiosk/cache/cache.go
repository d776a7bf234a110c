package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/kiosk/uptime"
)

// Cache is an open cache file. Its methods may be called from any goroutine; Status, State, Rules
// and Keys answer from memory and never wait.
type Cache struct {
	// SetAside says why Open replaced a damaged file with a new one, and where the old file is now.
	// It is nil if the file was good or did not exist.
	SetAside error

	// OnUnwritten, if set, hears that a version in force could not be written to the card; the
	// cache tries again. Set it before the first Apply.
	OnUnwritten func(error)

	// Running reads the machine's own clock. Tests replace it before the first use.
	Running func() uptime.Reading

	db   *bbolt.DB
	view atomic.Pointer[view] // the version in force; nil: no version yet, or closed

	// writing guards the following, and only its holder replaces view.
	writing sync.Mutex
	pending *pending // nil: the version in force is on the card
	asOf    int64    // of the version on the card, Unix s
	budget  writeBudget

	clock struct {
		sync.Mutex          // is held while the card is written, so lookups do not take it
		seen, written int64 // Unix s: the newest time, the newest on the card
		kept          bounds
		begun         uptime.Reading // the first look
	}
	notBefore notBefore
}

var _ kiosk.Lookup = (*Cache)(nil)

var (
	bucketMeta     = []byte("meta")
	bucketSections = []byte("sections")
	bucketStaged   = []byte("staged")
	bucketSlots    = []byte("slots")
	bucketOutbox   = []byte("outbox")

	keyFormat = []byte("format")
	keyHead   = []byte("head")
	keyRules  = []byte("rules")
	keyKeys   = []byte("keys")
	keyClock  = []byte("clock")
)

// Close writes what is pending and closes the file. A time of Refresh that is not written yet is
// lost, at most writeEvery.
func (c *Cache) Close() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	err := errors.Join(c.flush(), c.closeClock(), c.db.Close())
	c.view.Store(nil)
	c.pending = nil
	return err
}

// Status implements kiosk.Lookup from memory, without an allocation. It does not know Until. A
// closed cache has no data.
func (c *Cache) Status(_ context.Context, p kiosk.Person) (kiosk.Standing, error) {
	v := c.view.Load()
	if v == nil {
		return kiosk.Standing{}, kiosk.ErrNoData
	}
	id, i := p.Index/statuslist.SectionSize, uint32(p.Index%statuslist.SectionSize)
	if id >= uint64(len(v.sections)) || !v.ended.Hold(p.Since, v.edition) {
		return kiosk.Standing{}, kiosk.ErrUnknownPerson
	}
	return kiosk.Standing{Status: v.sections[id].get(i), AsOf: unixTime(v.asOf)}, nil
}

// State is what the cache holds.
type State struct {
	Version  uint64 // of the manifest; 0: no data yet, and all else is zero
	Epoch    uint32
	AsOf     time.Time // when the registry last vouched for all of it, whole seconds
	List     string    // URI of the status list
	Sections []SectionState
}

// Edition is the epoch and version.
func (s State) Edition() statuslist.Edition {
	return statuslist.Edition{Epoch: s.Epoch, Version: s.Version}
}

// SectionState is the state of one section.
type SectionState struct {
	Version uint64   // of the list, that changed it last
	Content [32]byte // SHA-256 of the packed section
}

// State returns what the cache holds.
func (c *Cache) State() (State, error) {
	v := c.view.Load()
	if v == nil {
		return State{}, nil
	}
	out := State{Version: v.edition.Version, Epoch: v.edition.Epoch, AsOf: unixTime(v.asOf), List: v.list}
	for _, s := range v.sections {
		out.Sections = append(out.Sections, s.SectionState)
	}
	return out, nil
}

// Rules returns the venue rules of the current version as Apply got them; nil: no version yet.
func (c *Cache) Rules() ([]byte, error) {
	if v := c.view.Load(); v != nil {
		return bytes.Clone(v.rules), nil
	}
	return nil, nil
}

// Keys returns the issuers' keys of the current version as Apply got them; nil: no version yet.
func (c *Cache) Keys() ([]byte, error) {
	if v := c.view.Load(); v != nil {
		return bytes.Clone(v.keys), nil
	}
	return nil, nil
}

// head is the edition that the cache holds.
type head struct {
	edition statuslist.Edition
	ended   statuslist.Epochs
	asOf    int64 // Unix s
	list    string
}

// The bytes of a head: version 8, time 8, epoch 4, number of earlier epochs 1, for each of them
// epoch 4 and version 8, and the list.
const (
	headLen  = 21
	epochLen = 12
)

// readHead returns kiosk.ErrNoData while there is no version.
func readHead(tx *bbolt.Tx) (head, error) {
	v := tx.Bucket(bucketMeta).Get(keyHead)
	if v == nil {
		return head{}, kiosk.ErrNoData
	}
	if len(v) <= headLen || len(v) <= headLen+epochLen*int(v[20]) {
		return head{}, damaged("head of %d bytes", len(v))
	}
	h := head{
		edition: statuslist.Edition{Epoch: binary.BigEndian.Uint32(v[16:]), Version: binary.BigEndian.Uint64(v)},
		asOf:    int64(binary.BigEndian.Uint64(v[8:])),
	}
	ended, rest := int(v[20]), v[headLen:]
	for range ended {
		h.ended = append(h.ended, statuslist.Edition{Epoch: binary.BigEndian.Uint32(rest),
			Version: binary.BigEndian.Uint64(rest[4:])})
		rest = rest[epochLen:]
	}
	h.list = string(rest)
	return h, nil
}

func writeHead(tx *bbolt.Tx, h head) error {
	v := binary.BigEndian.AppendUint64(nil, h.edition.Version)
	v = binary.BigEndian.AppendUint64(v, uint64(h.asOf))
	v = append(binary.BigEndian.AppendUint32(v, h.edition.Epoch), byte(len(h.ended)))
	for _, end := range h.ended {
		v = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(v, end.Epoch), end.Version)
	}
	return tx.Bucket(bucketMeta).Put(keyHead, append(v, h.list...))
}

func unixTime(s int64) time.Time { return time.Unix(s, 0).UTC() }
