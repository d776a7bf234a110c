package server

import (
	"sync"

	"ashyq-kiosk/kiosk/api"
)

const (
	// smallBlob is the largest blob that is kept in memory after it was sent: all doors ask for the
	// newest deltas at the same moment.
	smallBlob = 64 << 10
	// keptBlobs is how many are kept.
	keptBlobs = 64
)

// blobs are those that are being sent, and the small ones that were sent last. All who are sent the
// same one share it in memory, so readers that are slow on purpose cannot fill that. One of them
// reads it, and the others wait for that.
type blobs struct {
	mu   sync.Mutex // guards sent, kept, and how many readers each has
	sent map[api.Hash]*sentBlob
	kept []api.Hash // of sent, the oldest first
}

type sentBlob struct {
	to   int  // readers
	kept bool // it stays after the last of them

	mu   sync.Mutex // guards data
	data []byte     // nil: not read yet
}

// lend returns the blob that is in memory, or else the one that is read. Who has sent it gives it
// back.
func (b *blobs) lend(h api.Hash, read func() ([]byte, error)) (data []byte, giveBack func(), err error) {
	blob := b.enter(h)
	if data, err = blob.get(read); err != nil {
		b.leave(h, blob, false)
		return nil, nil, err
	}
	return data, func() { b.leave(h, blob, len(data) <= smallBlob) }, nil
}

func (b *blobs) enter(h api.Hash) *sentBlob {
	b.mu.Lock()
	defer b.mu.Unlock()
	blob := b.sent[h]
	if blob == nil {
		blob = &sentBlob{}
		b.sent[h] = blob
	}
	blob.to++
	return blob
}

// get reads again where the reader before has failed.
func (s *sentBlob) get(read func() ([]byte, error)) (data []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		s.data, err = read()
	}
	return s.data, err
}

// leave ends a reader's part. keep: it has read a small one.
func (b *blobs) leave(h api.Hash, blob *sentBlob, keep bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	blob.to--
	if keep && !blob.kept {
		blob.kept = true
		b.kept = append(b.kept, h)
		if len(b.kept) > keptBlobs {
			b.forget(b.kept[0])
			b.kept = b.kept[1:]
		}
	}
	if blob.to == 0 && !blob.kept {
		delete(b.sent, h)
	}
}

// forget needs mu.
func (b *blobs) forget(h api.Hash) {
	oldest := b.sent[h]
	oldest.kept = false
	if oldest.to == 0 {
		delete(b.sent, h)
	}
}
