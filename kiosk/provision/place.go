package provision

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
)

// keepGroup leaves a file in the group of the process.
const keepGroup = -1

// place writes a file of the system in one step: nobody sees half of it, or a secret with the wrong
// mode.
func (o Options) place(name string, data []byte, mode os.FileMode, gid int) error {
	path := filepath.Join(o.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(mode),
		renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return err
	}
	defer func() { _ = file.Cleanup() }() // after CloseAtomicallyReplace nothing is left to clean up
	if _, err := file.Write(data); err != nil {
		return err
	}
	if gid != keepGroup {
		if err := file.Chown(-1, gid); err != nil {
			return err
		}
	}
	return file.CloseAtomicallyReplace()
}

// groupID looks a group up in the system's own file. It is keepGroup if no such group exists.
func (o Options) groupID(name string) (int, error) {
	file, err := os.Open(filepath.Join(o.Root, "etc/group"))
	if errors.Is(err, fs.ErrNotExist) {
		return keepGroup, nil
	}
	if err != nil {
		return keepGroup, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":") // name:password:id:members
		if len(fields) == 4 && fields[0] == name {
			id, err := strconv.ParseUint(fields[2], 10, 31)
			if err != nil {
				return keepGroup, fmt.Errorf("group %q: %w", name, err)
			}
			return int(id), nil
		}
	}
	return keepGroup, lines.Err()
}
