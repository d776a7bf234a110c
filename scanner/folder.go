package scanner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	folderPoll = 50 * time.Millisecond // how often an exhausted folder is listed again
	folderWait = time.Second           // how long Read waits for a new picture
)

// pictures is a camera that shows the pictures of a folder.
type pictures struct {
	source
	next    time.Time // when the next picture is due
	last    string    // name of the last picture
	waiting []string  // names after it, in order

	close sync.Once
	done  chan struct{}
}

func openFolder(src source) (Camera, error) {
	info, err := os.Stat(src.path)
	if err != nil {
		return nil, fmt.Errorf("open camera: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open camera: %q is not a folder", src.path)
	}
	return &pictures{source: src, next: time.Now(), done: make(chan struct{})}, nil
}

// Read implements Camera. It skips an unreadable file, with ErrNoPicture and the reason.
func (p *pictures) Read(f *Frame) error {
	if err := p.sleep(time.Until(p.next)); err != nil {
		return err
	}
	for waited := time.Duration(0); ; waited += folderPoll {
		name, err := p.following()
		if err != nil {
			return err
		}
		if name != "" {
			p.schedule(time.Now())
			if err := readPicture(filepath.Join(p.path, name), f); err != nil {
				return fmt.Errorf("%w: %w", ErrNoPicture, err)
			}
			return nil
		}
		if waited >= folderWait {
			return ErrNoPicture
		}
		if err := p.sleep(folderPoll); err != nil {
			return err
		}
	}
}

// schedule sets when the next picture is due. It does not catch up after a pause.
func (p *pictures) schedule(now time.Time) {
	step := time.Duration(float64(time.Second) / p.fps)
	if now.Sub(p.next) > step {
		p.next = now
	}
	p.next = p.next.Add(step)
}

// following takes the name after the last one; "" before the first.
func (p *pictures) following() (string, error) {
	if len(p.waiting) == 0 {
		if err := p.list(); err != nil {
			return "", err
		}
		if len(p.waiting) == 0 && p.loop && p.last != "" {
			p.last = ""
			if err := p.list(); err != nil {
				return "", err
			}
		}
	}
	if len(p.waiting) == 0 {
		return "", nil
	}
	p.last, p.waiting = p.waiting[0], p.waiting[1:]
	return p.last, nil
}

// list finds pictures with names greater than the last one.
func (p *pictures) list() error {
	entries, err := os.ReadDir(p.path) // sorted by name
	if err != nil {
		return fmt.Errorf("read camera: %w", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name > p.last && !strings.HasPrefix(name, ".") && isPicture(name) {
			p.waiting = append(p.waiting, name)
		}
	}
	return nil
}

func (p *pictures) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return errClosed
	case <-timer.C:
		return nil
	}
}

// Close implements Camera.
func (p *pictures) Close() error {
	p.close.Do(func() { close(p.done) })
	return nil
}
