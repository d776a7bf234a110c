package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// vector is one published example; docs/pass.md explains the fields to authors of phone apps.
type vector struct {
	Name       string   `json:"name"`
	Comment    string   `json:"comment"`
	Result     string   `json:"result"`
	Now        int64    `json:"now"`
	Trusted    []string `json:"trusted"`
	IssuerSeed string   `json:"issuer_seed,omitempty"`
	HolderSeed string   `json:"holder_seed,omitempty"`

	Credential *fields `json:"credential,omitempty"`
	Signed     int64   `json:"signed,omitempty"`

	CredentialPayload string `json:"credential_payload,omitempty"`
	SealedCredential  string `json:"sealed_credential,omitempty"`
	RotatingPayload   string `json:"rotating_payload,omitempty"`
	RotatingCode      string `json:"rotating_code,omitempty"`
	Text              string `json:"text"`
}

type fields struct {
	Kid    string `json:"kid"`
	Day    uint16 `json:"day,omitempty"`
	Month  uint16 `json:"month,omitempty"`
	Block  string `json:"block"`
	Holder string `json:"holder,omitempty"`
}

var resultErrors = map[string]error{
	"valid":          nil,
	"not-a-pass":     pass.ErrNotAPass,
	"unknown-issuer": pass.ErrUnknownIssuer,
	"forged":         pass.ErrForged,
	"expired":        pass.ErrExpired,
	"stale":          pass.ErrStale,
	"future":         pass.ErrFuture,
}

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

var (
	issuerKey  = testKey(0x11)
	holderKey  = testKey(0x22)
	foreignKey = testKey(0x33)
)

// The time of most vectors: 2026-01-02, 07:00 UTC (Unix s), its day, and the month of its paper
// code.
const (
	nowAt      = 1767337200
	nowOnDay   = 20455
	paperMonth = 678 // July 2026
)

// The first second of that day, and of the one after it.
const (
	dayStart = nowOnDay * 86400
	dayEnd   = dayStart + 86400
)

// recipe makes a vector from bytes put together by hand, without the code under test: the valid
// code in five stages, each of which can be spoilt.
type recipe struct {
	name    string
	comment string
	result  string
	detail  string // must be in the error, so that the vector fails for its own reason

	paper        bool
	issuer       ed25519.PrivateKey // nil: issuerKey
	holder       ed25519.PrivateKey // who signs the rotating code; nil: holderKey
	day          uint32
	month        uint32
	block        []byte // nil: the block of the day or of the month
	signed       uint32
	now          int64
	trusted      []ed25519.PrivateKey
	claims       func([]byte) []byte // spoils the credential's payload
	credential   func([]byte) []byte // spoils the sealed credential
	presentation func([]byte) []byte // spoils the rotating code's payload
	message      func([]byte) []byte // spoils the whole message
	text         func(string) string // spoils the text
	read         func(*vector)       // sets what is read if the spoilt code is still well-formed
}

func spoil[T any](change func(T) T, value T) T {
	if change == nil {
		return value
	}
	return change(value)
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func orKey(key, otherwise ed25519.PrivateKey) ed25519.PrivateKey {
	if key == nil {
		return otherwise
	}
	return key
}

func (r recipe) vector() vector {
	issuer, holder := orKey(r.issuer, issuerKey), orKey(r.holder, holderKey)
	day, month, block := orElse(r.day, nowOnDay), orElse(r.month, paperMonth), r.block
	switch {
	case block == nil && r.paper:
		block = blockByHand(monthKey, goodPlace)
	case block == nil:
		block = blockByHand(dayKey, goodPlace)
	}
	v := vector{
		Name: r.name, Comment: r.comment, Result: orElse(r.result, "not-a-pass"),
		Now:        orElse(r.now, nowAt),
		IssuerSeed: hex.EncodeToString(issuer.Seed()),
	}
	trusted := r.trusted
	if trusted == nil {
		trusted = []ed25519.PrivateKey{issuerKey}
	}
	for _, key := range trusted {
		v.Trusted = append(v.Trusted, hex.EncodeToString(publicOf(key)))
	}

	claims := join([]byte{0x83}, uintItem(uint64(day)), bytesItem(block), bytesItem(publicOf(holderKey)))
	if r.paper {
		claims = join([]byte{0x82}, uintItem(uint64(month)), bytesItem(block))
	}
	claims = spoil(r.claims, claims)
	credential := spoil(r.credential, seal(issuer, issuerHeader(issuer), emptyMap, claims))
	v.CredentialPayload, v.SealedCredential = hex.EncodeToString(claims), hex.EncodeToString(credential)
	message := credential
	id := sign1.IDOf(publicOf(issuer))
	well := &fields{Kid: id.String(), Block: hex.EncodeToString(block)}
	if r.paper {
		well.Month = uint16(month)
	} else {
		well.Day = uint16(day)
		signed := orElse(r.signed, nowAt)
		payload := spoil(r.presentation, join([]byte{0x82}, uintItem(uint64(signed)), bytesItem(credential)))
		message = spoil(r.message, seal(holder, holderHeader, emptyMap, payload))
		v.HolderSeed = hex.EncodeToString(holder.Seed())
		v.RotatingPayload, v.RotatingCode = hex.EncodeToString(payload), hex.EncodeToString(message)
		well.Holder = hex.EncodeToString(publicOf(holderKey))
		v.Signed = int64(signed)
	}
	if v.Credential = well; v.Result == "not-a-pass" {
		v.Credential, v.Signed = nil, 0
	}
	if r.read != nil {
		r.read(&v)
	}
	v.Text = spoil(r.text, "AQ1:"+base45Reference(message))
	return v
}

// vectorFiles are the published files and the recipes behind them.
var vectorFiles = map[string][]recipe{
	"valid.json":     validRecipes,
	"refused.json":   refusedRecipes,
	"malformed.json": malformedRecipes,
}

func TestVectorFiles(t *testing.T) {
	for name, recipes := range vectorFiles {
		var vectors []vector
		for _, r := range recipes {
			vectors = append(vectors, r.vector())
		}
		want := encodeVectors(t, vectors)
		path := filepath.Join("testdata", "vectors", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the recipes make; go test -update writes it anew", path)
		}
	}
}

func readVectors(t testing.TB) map[string]vector {
	t.Helper()
	all := make(map[string]vector)
	for name := range vectorFiles {
		path := filepath.Join("testdata", "vectors", name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&vectors); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, v := range vectors {
			if _, twice := all[v.Name]; twice {
				t.Errorf("two vectors are called %q", v.Name)
			}
			all[v.Name] = v
		}
	}
	return all
}

// check parses and verifies the vector's text.
func (v vector) check(t testing.TB) (*pass.Code, error) {
	code, err := pass.Parse([]byte(v.Text))
	if err != nil {
		return nil, err
	}
	if got := code.Text(); got != v.Text {
		t.Errorf("parsed %q, encodes as %q", v.Text, got)
	}
	var keys []ed25519.PublicKey
	for _, key := range v.Trusted {
		keys = append(keys, unhex(key))
	}
	return code, code.Verify(pass.NewIssuers(keys), time.Unix(v.Now, 0))
}

func TestVectors(t *testing.T) {
	details := make(map[string]string)
	for _, recipes := range vectorFiles {
		for _, r := range recipes {
			details[r.name] = r.detail
		}
	}
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			want, known := resultErrors[v.Result]
			if !known {
				t.Fatalf("result %q is not a word of docs/pass.md", v.Result)
			}
			code, err := v.check(t)
			if !errors.Is(err, want) {
				t.Fatalf("%v, want %v", err, want)
			}
			if err != nil && !strings.Contains(err.Error(), details[v.Name]) {
				t.Errorf("refused because of %q, want because of %q", err, details[v.Name])
			}
			if v.Credential == nil {
				if v.Result != "not-a-pass" {
					t.Error("a well-formed code without its fields")
				}
				return
			}
			compareFields(t, code, v)
		})
	}
}

func compareFields(t *testing.T, code *pass.Code, v vector) {
	t.Helper()
	c := code.Credential
	got := fields{
		Kid: c.Issuer.String(), Day: uint16(c.Day), Month: uint16(c.Month), Block: hex.EncodeToString(c.Block[:]),
		Holder: hex.EncodeToString(c.Holder),
	}
	if got != *v.Credential {
		t.Errorf("credential %+v, want %+v", got, *v.Credential)
	}
	switch {
	case code.IsPaper() != (v.RotatingCode == ""):
		t.Errorf("IsPaper = %v", code.IsPaper())
	case code.IsPaper() && !code.Signed.IsZero():
		t.Errorf("paper code was signed at %v", code.Signed)
	case !code.IsPaper() && code.Signed.Unix() != v.Signed:
		t.Errorf("signed at %d, want %d", code.Signed.Unix(), v.Signed)
	}
}

// TestIssueAndRotateMakeTheVectors makes the valid codes again with the package itself.
func TestIssueAndRotateMakeTheVectors(t *testing.T) {
	for _, r := range validRecipes {
		v := r.vector()
		issuer := ed25519.NewKeyFromSeed(unhex(v.IssuerSeed))
		c := pass.Credential{
			Day: pass.Day(v.Credential.Day), Month: pass.Month(v.Credential.Month),
			Block: pass.Block(unhex(v.Credential.Block)),
		}
		if v.Credential.Holder != "" {
			c.Holder = unhex(v.Credential.Holder)
		}
		sealed, err := issueBy(issuer, c)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if got := hex.EncodeToString(sealed); got != v.SealedCredential {
			t.Errorf("%s: sealed credential\n%s, want\n%s", v.Name, got, v.SealedCredential)
		}
		text, err := pass.Paper(sealed)
		if c.Holder != nil {
			text, err = pass.Rotate(ed25519.NewKeyFromSeed(unhex(v.HolderSeed)), sealed, time.Unix(v.Signed, 999))
		}
		if err != nil || text != v.Text {
			t.Errorf("%s: code %q, %v, want %q", v.Name, text, err, v.Text)
		}
	}
}
