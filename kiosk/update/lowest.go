package update

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"pault.ag/go/debian/version"
)

// LowestFile is the name of the file on the state partition that Lowest keeps; a factory reset
// leaves it there.
const LowestFile = "lowest"

// Lowest is the lowest version that a door installs. It never falls. Versions are compared as
// Debian's are (deb-version(7)).
type Lowest struct {
	Path  string // of the file: one version and a newline
	Image string // the lowest version that the running image asks for
	Log   *slog.Logger
}

// Bundle is what a signed bundle says of itself.
type Bundle struct {
	Version string
	// Downgrade says that the bundle was signed to bring an older version: to doors whose lowest
	// version is this one at most, so that nobody can use it again once they have a newer version.
	Downgrade string
}

// parse takes what dpkg takes. The library alone would also take spaces around it and a revision
// without a version.
func parse(text string) (version.Version, error) {
	v, err := version.Parse(text)
	if err == nil && (v.Version == "" || v.String() != text) {
		err = errors.New("it does not begin with a digit")
	}
	if err != nil {
		return v, fmt.Errorf("%q is no version: %w", text, err)
	}
	return v, nil
}

// version is the higher one of the file's and the image's. Where the file cannot be read, the
// image's counts: a damaged card does not take an older version either.
func (l Lowest) version() (version.Version, error) {
	lowest, err := parse(l.Image)
	if err != nil {
		return lowest, fmt.Errorf("the lowest version of the running image: %w\nhint: write the card again", err)
	}
	kept, err := l.kept()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		l.Log.Error("read the lowest version allowed; the running image's counts", "error", err, "lowest", l.Image)
	case version.Compare(kept, lowest) > 0:
		return kept, nil
	}
	return lowest, nil
}

func (l Lowest) kept() (version.Version, error) {
	data, err := os.ReadFile(l.Path)
	if err != nil {
		return version.Version{}, err
	}
	text, whole := strings.CutSuffix(string(data), "\n")
	if !whole {
		return version.Version{}, fmt.Errorf("%q does not end with a newline", l.Path)
	}
	return parse(text)
}

// raise keeps the running image's where that is higher. Called for an image that has proved itself:
// before, the way back has to stay open.
func (l Lowest) raise() error {
	lowest, err := l.version()
	if err != nil {
		return err
	}
	if kept, err := l.kept(); err == nil && version.Compare(kept, lowest) == 0 {
		return nil // a start does not have to cost the card a write
	}
	return renameio.WriteFile(l.Path, []byte(lowest.String()+"\n"), 0o644)
}

// refuse says why a bundle is not installed here; nil: it may be.
func (l Lowest) refuse(b Bundle) error {
	lowest, err := l.version()
	if err != nil {
		return err
	}
	v, err := parse(b.Version)
	if err != nil {
		return fmt.Errorf("the bundle's version: %w\nhint: build the bundle again with another VERSION", err)
	}
	if version.Compare(v, lowest) >= 0 {
		return nil
	}
	below := fmt.Sprintf("version %q is below %q, the lowest that this door installs", b.Version, lowest)
	hint := fmt.Sprintf("\nhint: install a newer version; to go back on purpose, build this one with  make image DOWNGRADE=%s", lowest)
	if b.Downgrade == "" {
		return errors.New(below + hint)
	}
	from, err := parse(b.Downgrade)
	if err != nil {
		return fmt.Errorf("%s, and the bundle's downgrade: %w%s", below, err, hint)
	}
	if version.Compare(from, lowest) < 0 {
		return fmt.Errorf("%s, and the bundle is a downgrade from %q at most%s", below, b.Downgrade, hint)
	}
	return nil
}

// Admit is RAUC's question before it writes a bundle, whoever has asked for that and wherever it
// comes from (pre-install in its system.conf). The bundle is verified and mounted by then, so
// nobody can change it any more between the question and the installation. path is that of
// update.json, where the Updater finds the answer.
func Admit(path string, l Lowest, b Bundle, log *slog.Logger) error {
	refused := l.refuse(b)
	byHand := false
	err := change(path, log, func(s *State) {
		t := s.Trial
		if t == nil || t.Installed {
			byHand = t == nil // of rauc, past the Updater
			return
		}
		if refused == nil && t.Version != b.Version {
			refused = fmt.Errorf("the bundle brings version %q, and %q was to be installed\nhint: release it again, under the version that it has", b.Version, t.Version)
		}
		if refused != nil {
			t.Refused = refused.Error()
		}
	})
	if refused != nil {
		return refused
	}
	if byHand {
		return errors.Join(err, l.raise())
	}
	return err
}
