package pass_test

import (
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
)

func goodCredential() pass.Credential {
	return pass.Credential{
		Issuer: sign1.IDOf(publicOf(issuerKey)), Day: nowOnDay, Block: pass.Block(blockByHand(dayKey, goodPlace)),
		Holder: publicOf(holderKey),
	}
}

func paperCredential() pass.Credential {
	return pass.Credential{
		Issuer: sign1.IDOf(publicOf(issuerKey)), Month: paperMonth, Block: pass.Block(blockByHand(monthKey, goodPlace)),
	}
}

func issueBy(issuer ed25519.PrivateKey, c pass.Credential) ([]byte, error) {
	if c.IsPaper() {
		return pass.IssuePaper(issuer, c.Month, c.Block)
	}
	return pass.Issue(issuer, c.Day, c.Block, c.Holder)
}

func issue(t testing.TB, c pass.Credential) []byte {
	t.Helper()
	sealed, err := issueBy(issuerKey, c)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestIssueRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*pass.Credential){
		"a day that takes two bytes":   func(c *pass.Credential) { c.Day = 255 },
		"short holder":                 func(c *pass.Credential) { c.Holder = c.Holder[:31] },
		"empty holder":                 func(c *pass.Credential) { c.Holder = c.Holder[:0] },
		"a month that takes two bytes": func(c *pass.Credential) { c.Holder, c.Month = nil, 255 },
	} {
		c := goodCredential()
		spoil(&c)
		if sealed, err := issueBy(issuerKey, c); err == nil {
			t.Errorf("%s: issued as %x", name, sealed)
		}
	}
}

func TestOpenCredential(t *testing.T) {
	for _, want := range []pass.Credential{goodCredential(), paperCredential()} {
		if got, err := pass.OpenCredential(issue(t, want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("opened %+v, %v, want %+v", got, err, want)
		}
	}
	rotating := readVectors(t)["rotating"]
	for why, sealed := range map[string][]byte{
		"not a COSE_Sign1": nil,
		"longer than":      unhex(rotating.RotatingCode),
		"no key id":        seal(issuerKey, holderHeader, emptyMap, unhex(rotating.CredentialPayload)),
	} {
		if _, err := pass.OpenCredential(sealed); !errors.Is(err, pass.ErrNotAPass) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want ErrNotAPass: %s", err, why)
		}
	}
}

func TestRotateAndPaperRefuse(t *testing.T) {
	phone, paper := issue(t, goodCredential()), issue(t, paperCredential())
	now := time.Unix(nowAt, 0)
	if text, err := pass.Rotate(foreignKey, phone, now); err == nil {
		t.Errorf("another holder's key made %q", text)
	}
	if text, err := pass.Rotate(holderKey, paper, now); err == nil {
		t.Errorf("a paper credential rotated to %q", text)
	}
	if text, err := pass.Rotate(holderKey, phone[1:], now); !errors.Is(err, pass.ErrNotAPass) {
		t.Errorf("a broken credential rotated to %q, %v", text, err)
	}
	if text, err := pass.Rotate(holderKey, phone, time.Time{}); err == nil {
		t.Errorf("a phone without a clock made %q", text)
	}
	if text, err := pass.Rotate(holderKey, phone, time.Unix(1<<32+nowAt, 0)); err == nil {
		t.Errorf("a phone 136 years ahead made %q", text)
	}
	for _, second := range []int64{dayStart - 1, dayEnd} {
		if text, err := pass.Rotate(holderKey, phone, time.Unix(second, 0)); err == nil {
			t.Errorf("the credential of another day made %q", text)
		}
	}
	if text, err := pass.Paper(phone); err == nil {
		t.Errorf("a phone's credential was printed as %q", text)
	}
	if text, err := pass.Paper(nil); !errors.Is(err, pass.ErrNotAPass) {
		t.Errorf("nothing was printed as %q, %v", text, err)
	}
}

// TestLimits compares the byte budget of the package comment with the codes of all valid vectors:
// nobody learns anything from a code's length.
func TestLimits(t *testing.T) {
	// Alphanumeric characters, ISO/IEC 18004 table 7.
	const version9L, version5L = 335, 154
	for _, r := range validRecipes {
		v := r.vector()
		credential, text := len(unhex(v.SealedCredential)), len(v.Text)
		switch {
		case r.paper && (credential != pass.PaperCredentialSize || text != pass.PaperTextSize || text > version5L):
			t.Errorf("%s: credential of %d bytes, %d characters", v.Name, credential, text)
		case !r.paper && (credential != pass.CredentialSize || text != pass.TextSize || text > version9L):
			t.Errorf("%s: credential of %d bytes, %d characters", v.Name, credential, text)
		}
	}
}

// TestParseKeepsNothing: the scanner reuses its buffer.
func TestParseKeepsNothing(t *testing.T) {
	v := readVectors(t)["rotating"]
	buffer := []byte(v.Text)
	code, err := pass.Parse(buffer)
	if err != nil {
		t.Fatal(err)
	}
	clear(buffer)
	if code.Text() != v.Text {
		t.Error("the code changed with the buffer it was parsed from")
	}
	issuers := pass.NewIssuers(nil)
	issuers[code.Credential.Issuer] = publicOf(issuerKey)
	if err := code.Verify(issuers, time.Unix(v.Now, 0)); err != nil {
		t.Error(err)
	}
}

// TestForeignCodesAreCheap: foreign codes are the most common, so they must not be worth an attack.
func TestForeignCodesAreCheap(t *testing.T) {
	for _, text := range []string{"https://example.kz/menu?table=7", "HC1:NCF", strings.Repeat("AQ1:", 1000)} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := pass.Parse([]byte(text)); err == nil {
				t.Fatalf("%q is a pass", text)
			}
		}); n > 1 { // the conversion above
			t.Errorf("%.20q: %v allocations", text, n)
		}
	}
}
