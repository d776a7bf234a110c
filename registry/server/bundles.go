package server

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"sync"
)

// bundleName excludes directories and hidden files.
var bundleName = regexp.MustCompile(`^[0-9A-Za-z_-][0-9A-Za-z._-]{0,127}$`)

// bundles are the files of the directory of bundles that are being loaded. Each is open once,
// however many load it: anybody may, and by taking nothing of it they would use up the files that
// the registry may have open.
type bundles struct {
	dir string // empty: there are no bundles

	mu   sync.Mutex         // guards open and what is in it
	open map[string]*bundle // by name
}

// bundle is an open file.
type bundle struct {
	*os.File
	info  fs.FileInfo
	users int
}

func newBundles(dir string) *bundles { return &bundles{dir: dir, open: map[string]*bundle{}} }

// use opens a bundle, until leave. It does not follow a link out of the directory.
func (b *bundles) use(name string) (*bundle, error) {
	const hint = "put the bundle into the directory of --bundles; its name has only letters, digits and . _ -"
	missing := func(err error) error { return &failure{http.StatusNotFound, "no such bundle", hint, err} }
	if b.dir == "" || !bundleName.MatchString(name) {
		return nil, missing(nil)
	}
	dir, err := os.OpenRoot(b.dir)
	if err != nil {
		return nil, missing(err)
	}
	defer dir.Close()
	info, err := dir.Stat(name) // first: opening a pipe would wait
	if err != nil || !info.Mode().IsRegular() {
		return nil, missing(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.open[name]
	if one == nil || !os.SameFile(one.info, info) || one.info.ModTime() != info.ModTime() || one.info.Size() != info.Size() {
		file, err := dir.Open(name)
		if err != nil {
			return nil, missing(err)
		}
		if info, err = file.Stat(); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		one = &bundle{File: file, info: info}
		b.open[name] = one // who loads the file that was there before goes on with it
	}
	one.users++
	return one, nil
}

// leave closes the file when nobody uses it any more.
func (b *bundles) leave(name string, one *bundle) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one.users--; one.users > 0 {
		return nil
	}
	if b.open[name] == one {
		delete(b.open, name)
	}
	return one.Close()
}

func (s *Server) bundle(r *http.Request) (any, error) {
	name := r.PathValue("name")
	one, err := s.bundles.use(name)
	if err != nil {
		return nil, err
	}
	size := one.info.Size()
	return download{
		content: io.NewSectionReader(one, 0, size), modified: one.info.ModTime(), size: size,
		done: func() error { return s.bundles.leave(name, one) },
	}, nil
}
