package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProxy(t *testing.T) {
	o, log := world(t, map[string]string{"boot/proxy": "http://door:s3cret@proxy.example:3128\r\nregistry.venue.example,10.0.0.5\r\n"})
	Apply(o)
	file := filepath.Join(o.Root, "etc/environment")
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	want := "HTTPS_PROXY=http://door:s3cret@proxy.example:3128\nno_proxy=localhost,127.0.0.1,::1,registry.venue.example,10.0.0.5\n"
	if !strings.Contains(string(got), want) {
		t.Errorf("the environment is\n%s", got)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("everybody can read the proxy's password: %v, %v", info.Mode(), err)
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log tells the password: %s", log)
	}
}

func TestProxyIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "proxy.example:3128", "socks5://proxy.example", "http://", "http://s3cret:x@pro xy:1", "http://s3cret@a:b@proxy:1",
		"http://proxy.example/s3cret", "http://proxy.example:3128\nhost\nLD_PRELOAD=/x", "http://proxy.example:3128\na b",
	} {
		w := readProxy([]byte(text))
		if w.proxy != "" || len(w.problems) != 1 || strings.Contains(problems(w), "s3cret") {
			t.Errorf("%q was read as %q, %q", text, w.proxy, problems(w))
		}
	}
}
