package provision

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keyTypes are the types that OpenSSH accepts today.
var keyTypes = []string{
	"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}

func readKeys(data []byte) (w wishes) {
	w.askKeys(string(data))
	return w
}

// askKeys reads keys, one a line.
func (w *wishes) askKeys(text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseKey(line)
		if err != nil {
			w.fail(err)
			continue
		}
		w.keys = append(w.keys, key)
	}
}

// parseKey reads "TYPE BASE64 COMMENT" and returns it without the comment. It refuses options
// before the type, because they can run commands.
func parseKey(line string) (string, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 || !slices.Contains(keyTypes, fields[0]) {
		return "", errors.New("an SSH key does not begin with its type, as ssh-ed25519\nhint: copy the line of the .pub file")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || !completeBlob(blob, fields[0]) {
		return "", fmt.Errorf("an SSH key of type %s is not complete\nhint: copy the whole line of the .pub file", fields[0])
	}
	return fields[0] + " " + fields[1], nil
}

// completeBlob tells whether a blob consists of two or more strings (RFC 4251 section 5), the first
// of them the type.
func completeBlob(blob []byte, keyType string) bool {
	var parts []string
	for len(blob) >= 4 {
		n := uint64(binary.BigEndian.Uint32(blob))
		if n > uint64(len(blob)-4) {
			return false
		}
		parts = append(parts, string(blob[4:4+n]))
		blob = blob[4+n:]
	}
	return len(blob) == 0 && len(parts) >= 2 && parts[0] == keyType
}

// sshEnabled exists while SSH may run; it is a condition of SSH's unit.
const sshEnabled = "run/ashyq/ssh-enabled"

func (o Options) setSSH(keys []string) error {
	flag := filepath.Join(o.Root, sshEnabled)
	if len(keys) == 0 {
		if err := os.Remove(flag); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	dir := filepath.Join(o.Root, "root/.ssh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lines := strings.Join(keys, "\n") + "\n"
	if err := o.place("root/.ssh/authorized_keys", []byte(lines), 0o600, keepGroup); err != nil {
		return err
	}
	if err := o.setHostKey(); err != nil {
		return err
	}
	if err := o.place(sshEnabled, nil, 0o644, keepGroup); err != nil {
		return err
	}
	o.Log.Info("switched on SSH", "keys", len(keys))
	return nil
}

const hostKey = "ssh_host_ed25519_key"

// setHostKey gives the door the same key at each boot, so that nobody gets used to the warning of a
// changed key.
func (o Options) setHostKey() error {
	kept := filepath.Join(o.State, "ssh")
	if !completeKey(filepath.Join(kept, hostKey)) {
		if err := o.makeHostKey(kept); err != nil {
			return err
		}
	}
	for name, mode := range map[string]os.FileMode{hostKey: 0o600, hostKey + ".pub": 0o644} {
		data, err := readFile(filepath.Join(kept, name))
		if err != nil {
			return err
		}
		if err := o.place("etc/ssh/"+name, data, mode, keepGroup); err != nil {
			return err
		}
	}
	return nil
}

// completeKey tells whether a key was written to its end: a power cut may have interrupted that.
func completeKey(path string) bool {
	data, err := readFile(path)
	public, pubErr := readFile(path + ".pub")
	return err == nil && pubErr == nil && len(public) > 0 &&
		strings.HasSuffix(strings.TrimSpace(string(data)), "-----END OPENSSH PRIVATE KEY-----")
}

// keygenLimit allows for a board that has just started and has little entropy yet.
const keygenLimit = time.Minute

func (o Options) makeHostKey(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), keygenLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f",
		filepath.Join(dir, hostKey)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make the host key: %w: %s", err, strings.TrimSpace(string(out)))
	}
	o.Log.Info("made the host key", "dir", dir)
	return nil
}
