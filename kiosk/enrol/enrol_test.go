package enrol_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("ASHYQ_ENROL_DIR"); dir != "" {
		enrolAndDie(dir)
	}
	os.Exit(m.Run())
}

func dial(c enrol.Code) (enrol.Registry, error) {
	return client.New(client.Config{URL: c.URL, Authority: c.Trusts, Timeout: 5 * time.Second})
}

func enroller(dir string) *enrol.Enroller {
	return &enrol.Enroller{Dir: dir, Device: "0123456789abcdef", Dial: dial, Check: func([]byte) error { return nil }}
}

// papers are the contents of an enrolled door's files, "" for a missing one.
func papers(t *testing.T, dir string) (settings string, identity *enrol.Identity) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "enrolled.toml"))
	if err != nil {
		t.Fatalf("not enrolled: %v", err)
	}
	identity, err = enrol.Open(filepath.Join(dir, "identity.pem"), filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data), identity
}

// sealKey is what the registry must have heard of an identity.
func sealKey(identity *enrol.Identity) string {
	return api.FormatKey(identity.DoorKey().PublicKey().Bytes())
}

func TestEnrol(t *testing.T) {
	registry, dir := enroltest.New(t), filepath.Join(t.TempDir(), "state")
	code := registry.Code()
	code.SSID, code.Passphrase, code.Country = "Дүкен", "correct horse", "KZ"
	if err := enroller(dir).Enrol(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	settings, identity := papers(t, dir)
	for _, want := range []string{
		`name = "Есік \"1\""`, `venue = "cinema"`, `zone = "yellow"`, `way = "entry"`, fmt.Sprintf("url = %q", registry.URL),
		fmt.Sprintf("ca = %q", dir+"/ca.pem"), fmt.Sprintf("identity = %q", dir+"/identity.pem"), `key = "k1AAAA`,
	} {
		if !strings.Contains(settings, want) {
			t.Errorf("enrolled.toml lacks %s:\n%s", want, settings)
		}
	}
	if identity.Certificate().Subject.CommonName != "door" || registry.Seen()[0].Device != "0123456789abcdef" {
		t.Errorf("certificate of %v, seen %+v", identity.Certificate().Subject, registry.Seen())
	}
	if sealKey(identity) != registry.Seen()[0].SealKey {
		t.Errorf("the door's key is %s, the registry heard %s", sealKey(identity), registry.Seen()[0].SealKey)
	}
	if wifi, err := os.ReadFile(filepath.Join(dir, "wifi.json")); err != nil ||
		string(wifi) != `{"ssid":"Дүкен","passphrase":"correct horse","country":"KZ"}` {
		t.Errorf("wifi.json is %s, %v", wifi, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Errorf("left are %v, %v, want enrolled.toml, identity.pem, ca.pem, wifi.json", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestLostAnswerIsAskedForAgainWithTheSameKey(t *testing.T) {
	registry, dir := enroltest.New(t), t.TempDir()
	code := registry.Code()
	registry.Set(func(s *enroltest.Settings) { s.Lose = true })
	if err := enroller(dir).Enrol(t.Context(), code); err == nil || enrol.Enrolled(dir) {
		t.Fatalf("enrolled without an answer (%v)", err)
	}
	if got := enroller(dir).Pending(); got != code.String() {
		t.Errorf("the code kept is %q", got)
	}
	registry.Set(func(s *enroltest.Settings) { s.Lose = false })
	if err := enroller(dir).Enrol(t.Context(), code); err != nil { // a new Enroller, as after a restart
		t.Fatal(err)
	}
	papers(t, dir)
	seen := registry.Seen()
	if !bytes.Equal(seen[0].Key, seen[len(seen)-1].Key) || seen[0].SealKey != seen[len(seen)-1].SealKey {
		t.Error("it came back with another key")
	}

	other := enroller(t.TempDir()).Enrol(t.Context(), code)
	if refused, ok := errors.AsType[*api.Refusal](other); !ok || !refused.IsFinal() || refused.Said.Code != api.CodeUsed {
		t.Errorf("the same token with another key: %v", other)
	}
}

func TestWhatIsNotTheRegistry(t *testing.T) {
	registry, stranger := enroltest.New(t), enroltest.New(t)
	strange := stranger.Code()
	strange.URL = registry.URL
	elsewhere := registry.Code()
	elsewhere.URL = strings.Replace(registry.URL, "127.0.0.1", "localhost", 1) // not a name in its certificate
	for name, c := range map[string]struct {
		code enrol.Code
		want string
	}{
		"another authority": {strange, "presents no certificate of the authority"},
		"another name":      {elsewhere, "for another name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := enroller(dir).Enrol(t.Context(), c.code)
			if err == nil || !strings.Contains(err.Error(), c.want) || enrol.Enrolled(dir) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if n := len(registry.Seen()); n != 0 {
		t.Errorf("%d requests, and with them a token, went to somebody else", n)
	}
}

func TestUnusableAnswers(t *testing.T) {
	registry, stranger := enroltest.New(t), enroltest.NewAuthority(t, "Somebody")
	for name, c := range map[string]struct {
		spoil func(*api.EnrolAnswer)
		want  string
	}{
		"another authority": {func(a *api.EnrolAnswer) { a.CA = stranger.PEM() }, "not the one in the code"},
		"no authority":      {func(a *api.EnrolAnswer) { a.CA = a.Certificate }, "not a CA certificate"},
		"another's key":     {func(a *api.EnrolAnswer) { a.Certificate = a.CA }, "for another key"},
		"no certificate":    {func(a *api.EnrolAnswer) { a.Certificate = "" }, "no certificate"},
		"no venue":          {func(a *api.EnrolAnswer) { a.Venue = "" }, "lacks the door's venue"},
		"a new line":        {func(a *api.EnrolAnswer) { a.Name = "a\n[x]" }, "characters"},
		"configuration":     {func(a *api.EnrolAnswer) { a.Zone = "pink" }, "pink zone"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			registry.Set(func(s *enroltest.Settings) { s.Spoil = c.spoil })
			e := enroller(dir)
			e.Check = func(settings []byte) error {
				if strings.Contains(string(settings), "pink") {
					return errors.New("pink zone")
				}
				return nil
			}
			err := e.Enrol(t.Context(), registry.Code())
			if !errors.Is(err, enrol.ErrAnswer) || !strings.Contains(err.Error(), c.want) || enrol.Enrolled(dir) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// enrolAndDie is the child of TestPowerCuts: it dies after so many changes of files.
func enrolAndDie(dir string) {
	left, err := strconv.Atoi(os.Getenv("ASHYQ_ENROL_CUT"))
	if err != nil {
		panic(err)
	}
	enrol.SetTouched(func() {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	code, err := enrol.Parse(os.Getenv("ASHYQ_ENROL_CODE"))
	if err == nil {
		err = enroller(dir).Enrol(context.Background(), code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestPowerCuts kills an enrolling process after each change of a file, both the first time and
// over an older enrolment. The door is then either enrolled, with papers that match, or not
// enrolled and the same code enrols it.
func TestPowerCuts(t *testing.T) {
	for _, again := range []bool{false, true} {
		cuts := 0
		for cut := 1; ; cut++ {
			registry, dir := enroltest.New(t), t.TempDir()
			if again {
				if err := enroller(dir).Enrol(t.Context(), registry.Code()); err != nil {
					t.Fatal(err)
				}
			}
			code := registry.Code()
			code.SSID = "venue"
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), "ASHYQ_ENROL_DIR="+dir, "ASHYQ_ENROL_CODE="+code.String(),
				"ASHYQ_ENROL_CUT="+strconv.Itoa(cut))
			out, err := child.CombinedOutput()
			if err == nil {
				break // it came through
			}
			if child.ProcessState.ExitCode() != -1 {
				t.Fatalf("the child failed: %s", out)
			}
			cuts++
			afterCut(t, dir, registry, code)
		}
		if want := map[bool]int{false: 6, true: 7}[again]; cuts != want {
			t.Errorf("again %v: the power was cut %d times, want %d", again, cuts, want)
		}
	}
}

func afterCut(t *testing.T, dir string, registry *enroltest.Registry, code enrol.Code) {
	t.Helper()
	if enrol.Enrolled(dir) {
		papers(t, dir)
		if enroller(dir).Pending() == "" {
			return // it was the last change
		}
	} else if got := enroller(dir).Pending(); got != code.String() {
		t.Fatalf("not enrolled, and the code kept is %q", got)
	}
	if err := enroller(dir).Enrol(t.Context(), code); err != nil {
		t.Fatalf("after the power cut: %v", err)
	}
	_, identity := papers(t, dir)
	seen := registry.Seen()
	if sealKey(identity) != seen[len(seen)-1].SealKey {
		t.Error("the door's key is not the one that the registry heard last")
	}
	der, err := x509.MarshalPKIXPublicKey(identity.Certificate().PublicKey)
	if err != nil || !bytes.Equal(der, seen[len(seen)-1].Key) {
		t.Error("the certificate is not the one given last")
	}
}

func TestForget(t *testing.T) {
	registry, dir := enroltest.New(t), t.TempDir()
	if err := enroller(dir).Enrol(t.Context(), registry.Code()); err != nil {
		t.Fatal(err)
	}
	if err := enrol.Forget(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestDevice(t *testing.T) {
	serial := filepath.Join(t.TempDir(), "serial-number")
	if err := os.WriteFile(serial, []byte("10000000abcdef01\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	// printf 10000000abcdef01 | sha256sum
	const want = "8076ce2ffba436df"
	if got := enrol.DeviceOf("/no/such/file", serial); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := enrol.DeviceOf("/no/such/file"); got != "" {
		t.Errorf("%q of nothing", got)
	}
}

// A new enrolment makes a new key: whoever had the old one opens nothing that is sealed from now
// on.
func TestNewEnrolmentHasANewDoorKey(t *testing.T) {
	registry, dir := enroltest.New(t), t.TempDir()
	var before []byte
	for range 2 {
		if err := enroller(dir).Enrol(t.Context(), registry.Code()); err != nil {
			t.Fatal(err)
		}
		_, identity := papers(t, dir)
		key := identity.DoorKey().Bytes()
		if bytes.Equal(key, before) {
			t.Error("the key of before")
		}
		before = key
	}
}

// An identity without the door's own key, or with two, cannot be used, and the error says what to
// do.
func TestIdentityNeedsADoorKey(t *testing.T) {
	registry, dir := enroltest.New(t), t.TempDir()
	if err := enroller(dir).Enrol(t.Context(), registry.Code()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "identity.pem")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(data, []byte("-----BEGIN ASHYQ DOOR KEY"))
	to := bytes.Index(data, []byte("-----BEGIN CERTIFICATE"))
	for name, text := range map[string][]byte{
		"none": append(bytes.Clone(data[:from]), data[to:]...), "two": append(bytes.Clone(data), data[from:to]...),
		"the certificate's": bytes.Replace(append(bytes.Clone(data[:from]), data...), []byte("PRIVATE KEY"), []byte("ASHYQ DOOR KEY"), 2),
	} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := enrol.Open(file, filepath.Join(dir, "ca.pem"))
		if err == nil || !strings.Contains(err.Error(), "the door's key") || !strings.Contains(err.Error(), "hint: enrol the door again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
