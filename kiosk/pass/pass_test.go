package pass_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

func goodCredential() pass.Credential {
	return pass.Credential{
		Expires: time.Unix(expiresAt, 0), Since: statuslist.Edition{Version: firstVersion},
		Holder: publicOf(holderKey), List: "aq:kz/2026", Index: 0x01c0ffee,
	}
}

func issue(t testing.TB, c pass.Credential) []byte {
	t.Helper()
	sealed, err := pass.Issue(issuerKey, c)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestIssueRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*pass.Credential){
		"expires before 1970": func(c *pass.Credential) { c.Expires = time.Unix(-1, 0) },
		"no end":              func(c *pass.Credential) { c.Expires = time.Time{} },
		"no version":          func(c *pass.Credential) { c.Since = statuslist.Edition{Epoch: 1} },
		"version of 33 bits":  func(c *pass.Credential) { c.Since.Version = math.MaxUint32 + 1 },
		"expires after 2106":  func(c *pass.Credential) { c.Expires = time.Unix(1<<32+expiresAt, 0) },
		"index of 33 bits":    func(c *pass.Credential) { c.Index = math.MaxUint32 + 1 },
		"no list":             func(c *pass.Credential) { c.List = "" },
		"long list":           func(c *pass.Credential) { c.List = strings.Repeat("x", pass.MaxList+1) },
		"space in the list":   func(c *pass.Credential) { c.List = "aq:kz 2026" },
		"DEL in the list":     func(c *pass.Credential) { c.List = "aq:kz\x7f" },
		"short holder":        func(c *pass.Credential) { c.Holder = c.Holder[:31] },
		"empty holder":        func(c *pass.Credential) { c.Holder = c.Holder[:0] },
	} {
		c := goodCredential()
		spoil(&c)
		if sealed, err := pass.Issue(issuerKey, c); err == nil {
			t.Errorf("%s: issued as %x", name, sealed)
		}
	}
}

func TestOpenCredential(t *testing.T) {
	want := goodCredential()
	want.Issuer = sign1.IDOf(publicOf(issuerKey))
	got, err := pass.OpenCredential(issue(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if got.Since != want.Since || !got.Expires.Equal(want.Expires) || !bytes.Equal(got.Holder, want.Holder) ||
		got.Issuer != want.Issuer || got.List != want.List || got.Index != want.Index {
		t.Errorf("opened %+v, want %+v", got, want)
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
	phone := issue(t, goodCredential())
	c := goodCredential()
	c.Holder = nil
	paper := issue(t, c)
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
	if text, err := pass.Paper(phone); err == nil {
		t.Errorf("a phone's credential was printed as %q", text)
	}
	if text, err := pass.Paper(nil); !errors.Is(err, pass.ErrNotAPass) {
		t.Errorf("nothing was printed as %q, %v", text, err)
	}
}

// TestLimits compares the byte budget of the package comment with real codes.
func TestLimits(t *testing.T) {
	const version9L = 335 // alphanumeric characters, ISO/IEC 18004 table 7
	size := func(list int, epoch uint32) (credential, text int) {
		c := goodCredential()
		c.List, c.Index = strings.Repeat("x", list), math.MaxUint32
		c.Since = statuslist.Edition{Epoch: epoch, Version: math.MaxUint32}
		c.Expires = time.Unix(math.MaxUint32, 0)
		sealed := issue(t, c)
		code, err := pass.Rotate(holderKey, sealed, time.Unix(math.MaxUint32, 0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pass.Parse([]byte(code)); err != nil {
			t.Errorf("list URI of %d bytes: %v", list, err)
		}
		return len(sealed), len(code)
	}
	if credential, text := size(6, 0); credential != 138 || text != 334 || text > version9L {
		t.Errorf("list URI of 6 bytes: %d bytes, %d characters", credential, text)
	}
	if credential, text := size(pass.MaxList, math.MaxUint32); credential != pass.MaxCredential || text != pass.MaxText {
		t.Errorf("largest: %d bytes, %d characters; want %d, %d", credential, text, pass.MaxCredential, pass.MaxText)
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
