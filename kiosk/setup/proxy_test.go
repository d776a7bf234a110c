package setup_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/setup"
)

// A network namespace has the machine's own loopback and no other way: with a proxy there, the door
// has a way to any registry, and without it to none.
func TestWayOutThroughProxy(t *testing.T) {
	const registry = "https://192.0.2.1:8443"
	if os.Getenv("ASHYQ_ONLY_PROXY") != "" {
		if err := setup.Route(registry); err != nil {
			t.Errorf("with a proxy: %v", err)
		}
		if err := setup.Route(""); err != nil {
			t.Errorf("with a proxy, before the enrolment: %v", err)
		}
		return
	}
	if os.Getenv("ASHYQ_NO_PROXY_AT_ALL") != "" {
		if err := setup.Route(registry); err == nil {
			t.Error("without a proxy there is a way out of an empty namespace")
		}
		return
	}
	if err := exec.Command("unshare", "--user", "--map-root-user", "--net", "true").Run(); err != nil {
		t.Skip("no network namespace may be made here: ", err)
	}
	for _, env := range []string{"ASHYQ_ONLY_PROXY=1 HTTPS_PROXY=http://127.0.0.1:3128", "ASHYQ_NO_PROXY_AT_ALL=1"} {
		cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", "sh", "-c",
			"ip link set lo up && exec env "+env+` "$0" -test.run '^TestWayOutThroughProxy$'`, os.Args[0])
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
			t.Errorf("%s: %v\n%s", env, err, out)
		}
	}
}
