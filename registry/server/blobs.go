package server

import (
	"sync"

	"ashyq-kiosk/kiosk/api"
)

// blobs are those that are being sent. All who are sent the same one share it in memory, so readers
// that are slow on purpose cannot fill that.
type blobs struct {
	mu   sync.Mutex // guards sent and what is in it
	sent map[api.Hash]*sentBlob
}

type sentBlob struct {
	data []byte
	to   int // readers
}

// lend returns the blob that is being sent, or else the one that is read. Who has sent it gives it
// back.
func (b *blobs) lend(h api.Hash, read func() ([]byte, error)) (data []byte, giveBack func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent[h] == nil {
		b.mu.Unlock()
		data, err := read()
		b.mu.Lock()
		if err != nil {
			return nil, nil, err
		}
		if b.sent[h] == nil { // nobody was faster
			b.sent[h] = &sentBlob{data: data}
		}
	}
	blob := b.sent[h]
	blob.to++
	return blob.data, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if blob.to--; blob.to == 0 {
			delete(b.sent, h)
		}
	}, nil
}
