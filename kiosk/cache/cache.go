package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/kiosk/uptime"
)

// Cache is an open cache file. Its methods may be called from any goroutine; Status never waits for
// a write.
type Cache struct {
	// SetAside says why Open replaced a damaged file with a new one, and where the old file is now.
	// It is nil if the file was good or did not exist.
	SetAside error

	// OnUnwritten, if set, hears that a version in force could not be written to the card; the
	// cache tries again. Set it before the first Apply.
	OnUnwritten func(error)

	// Running reads the machine's own clock. Tests replace it before the first use.
	Running func() uptime.Reading

	db *bbolt.DB
	// writing is held by Apply, Stage, Refresh and Close. It guards budget and whole, and only its
	// holder replaces pending.
	writing sync.Mutex
	pending atomic.Pointer[pending] // nil: everything is on the card
	budget  writeBudget
	whole   map[uint32]*statuslist.Section // sections with pending changes, for the next delta
	vouched atomic.Pointer[vouch]          // what Refresh did not write yet; nil: nothing
	clock   struct {
		sync.Mutex          // is held while the card is written, so lookups do not take it
		seen, written int64 // Unix s: the newest time, the newest on the card
		kept          bounds
		begun         uptime.Reading // the first look
	}
	notBefore notBefore
}

// vouch is how fresh an edition is, where the card has an older time for it.
type vouch struct {
	edition statuslist.Edition
	asOf    int64 // Unix s
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
	return errors.Join(c.flush(), c.closeClock(), c.db.Close())
}

// Status implements kiosk.Lookup from the memory-mapped file, in microseconds. It does not know
// Until. Any error other than kiosk.ErrNoData and kiosk.ErrUnknownPerson means that the file is
// damaged or closed.
func (c *Cache) Status(_ context.Context, p kiosk.Person) (kiosk.Standing, error) {
	var out kiosk.Standing
	pending := c.pending.Load() // first, so that the two together are never older than the card
	err := c.db.View(func(tx *bbolt.Tx) error {
		h, err := readHead(tx)
		if err != nil {
			return err
		}
		ahead := pending.over(h)
		if ahead != nil {
			h = ahead.head()
		}
		id := p.Index / statuslist.SectionSize
		if id > math.MaxUint32 || !h.ended.Hold(p.Since, h.edition) {
			return kiosk.ErrUnknownPerson
		}
		s, found, err := readSection(tx.Bucket(bucketSections), uint32(id))
		if err != nil {
			return err
		}
		if !found {
			return kiosk.ErrUnknownPerson
		}
		i := uint32(p.Index % statuslist.SectionSize)
		var chunk []byte
		if ahead != nil {
			chunk = ahead.changed[uint32(id)][i/chunkEntries]
		}
		out.Status, err = readEntry(tx, s.slot, i, chunk)
		out.AsOf = unixTime(c.asOf(h))
		return err
	})
	if err != nil {
		return kiosk.Standing{}, err
	}
	return out, nil
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
	var out State
	pending := c.pending.Load()
	err := c.db.View(func(tx *bbolt.Tx) error {
		h, err := readHead(tx)
		if errors.Is(err, kiosk.ErrNoData) {
			return nil
		}
		if err != nil {
			return err
		}
		if p := pending.over(h); p != nil {
			h := p.head()
			out = State{Version: h.edition.Version, Epoch: h.edition.Epoch, AsOf: unixTime(c.asOf(h)), List: string(h.list)}
			out.Sections = slices.Clone(p.sections)
			return nil
		}
		out = State{Version: h.edition.Version, Epoch: h.edition.Epoch, AsOf: unixTime(c.asOf(h)), List: string(h.list)}
		for id := uint32(0); ; id++ {
			s, found, err := readSection(tx.Bucket(bucketSections), id)
			if err != nil || !found {
				return err
			}
			out.Sections = append(out.Sections, SectionState{s.version, s.content})
		}
	})
	if err != nil {
		return State{}, fmt.Errorf("read the state of the cache: %w", err)
	}
	return out, nil
}

// Rules returns the venue rules of the current version as Apply got them; nil: no version yet.
func (c *Cache) Rules() ([]byte, error) { return c.document(keyRules) }

// Keys returns the issuers' keys of the current version as Apply got them; nil: no version yet.
func (c *Cache) Keys() ([]byte, error) { return c.document(keyKeys) }

func (c *Cache) document(key []byte) ([]byte, error) {
	var out []byte
	pending := c.pending.Load()
	err := c.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketMeta).Get(key)
		h, err := readHead(tx)
		if err != nil && !errors.Is(err, kiosk.ErrNoData) {
			return err
		}
		if p := pending.over(h); p != nil {
			switch {
			case &key[0] == &keyRules[0] && p.update.Rules != nil:
				v = p.update.Rules
			case &key[0] == &keyKeys[0] && p.update.Keys != nil:
				v = p.update.Keys
			}
		}
		if v != nil {
			out = append([]byte{}, v...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s from the cache: %w", key, err)
	}
	return out, nil
}

// head is the edition that the cache holds. list is valid only during its transaction.
type head struct {
	edition statuslist.Edition
	ended   statuslist.Epochs
	asOf    int64 // Unix s
	list    []byte
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
	h.list = rest
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

// asOf is how fresh that version is; it counts what Refresh has not written yet.
func (c *Cache) asOf(h head) int64 {
	if v := c.vouched.Load(); v != nil && v.edition == h.edition {
		return max(v.asOf, h.asOf)
	}
	return h.asOf
}

func unixTime(s int64) time.Time { return time.Unix(s, 0).UTC() }
