package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/scanner"
	"ashyq-kiosk/scanner/qr"
)

// modules opens a page in which the modules can be imported.
func modules(t *testing.T) context.Context {
	t.Helper()
	r := newRegistry(t)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(r.url()+"/"))
	return ctx
}

// The page makes the same bytes as package pass: Ed25519 is deterministic, so its vectors are the
// answer.
func TestRotateAgainstVectors(t *testing.T) {
	ctx := modules(t)
	data, err := os.ReadFile("../../kiosk/pass/testdata/vectors/valid.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name             string `json:"name"`
		HolderSeed       string `json:"holder_seed"`
		SealedCredential string `json:"sealed_credential"`
		Signed           int64  `json:"signed"`
		Text             string `json:"text"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, v := range vectors {
		if v.HolderSeed == "" {
			continue // paper: made by the registry
		}
		checked++
		got := eval[string](t, ctx, `(async () => {
			const { rotate } = await import(%s);
			const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
			const key = await crypto.subtle.importKey("pkcs8", bytes(%s), "Ed25519", false, ["sign"]);
			return rotate(key, bytes(%s), %s);
		})()`, moduleAt(t, "js/pass.js"), pkcs8(v.HolderSeed), v.SealedCredential, v.Signed*1000+999)
		if got != v.Text {
			t.Errorf("%s:\n got %s\nwant %s", v.Name, got, v.Text)
		}
	}
	if checked < 5 {
		t.Errorf("only %d vectors of rotating codes", checked)
	}
}

// A phone's requests have the bytes that package pass makes of them.
func TestRequestsAgainstPackagePass(t *testing.T) {
	ctx := modules(t)
	seed := strings.Repeat("03", ed25519.SeedSize)
	phone := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	now := time.Unix(1_800_000_000, 0)
	var days []pass.DayKey
	for n := range pass.Day(pass.MaxDays) {
		public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(100 + n)}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
		days = append(days, pass.DayKey{Day: pass.DayOf(now) + n, Holder: public})
	}
	type day struct {
		Day    int    `json:"day"`
		Holder string `json:"holder"` // hex
	}
	asked := make([]day, len(days))
	for i, d := range days {
		asked[i] = day{int(d.Day), hex.EncodeToString(d.Holder)}
	}
	want := map[string]func() ([]byte, error){
		"topUp":     func() ([]byte, error) { return pass.NewTopUp(phone, days, now) },
		"selfCheck": func() ([]byte, error) { return pass.NewSelfCheck(phone, now) },
		"ask":       func() ([]byte, error) { return pass.NewAsk(phone, "/v1/dispute это не я", now) },
	}
	got := eval[map[string]string](t, ctx, `(async () => {
		const pass = await import(%s);
		const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
		const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
		const phone = {
			privateKey: await crypto.subtle.importKey("pkcs8", bytes(%s), "Ed25519", false, ["sign"]),
			publicKey: await crypto.subtle.importKey("raw", bytes(%s), "Ed25519", true, ["verify"]),
		};
		const now = %s, days = %s.map(({ day, holder }) => ({ day, holder: bytes(holder) }));
		return {
			topUp: hex(await pass.topUp(phone, days, now)),
			selfCheck: hex(await pass.selfCheck(phone, now)),
			ask: hex(await pass.ask(phone, "/v1/dispute это не я", now)),
		};
	})()`, moduleAt(t, "js/pass.js"), pkcs8(seed), hex.EncodeToString(phone.Public().(ed25519.PublicKey)), now.UnixMilli()+999, asked)
	for name, make := range want {
		sealed, err := make()
		if err != nil || got[name] != hex.EncodeToString(sealed) {
			t.Errorf("%s, %v:\n got %s\nwant %x", name, err, got[name], sealed)
		}
	}
}

// pkcs8 is the form in which WebCrypto takes an Ed25519 seed (RFC 8410 section 7), in hex.
func pkcs8(seed string) string {
	return "302e020100300506032b657004220420" + seed
}

// Encodings from RFC 8949 appendix A, and the lengths around each step of the head.
func TestCBOR(t *testing.T) {
	ctx := modules(t)
	got := eval[[]string](t, ctx, `import(%s).then((cbor) => [
		...[0, 23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, -1, -8, -24, -25].map(cbor.int),
		cbor.text("Signature1"), cbor.text("ü"), cbor.bytes(Uint8Array.of(1, 2)), cbor.bytes(new Uint8Array(256)).slice(0, 3),
		cbor.array(), cbor.array(cbor.int(1), cbor.array(cbor.int(2))), cbor.map(), cbor.map([cbor.int(1), cbor.int(-8)]),
	].map((bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")))`, moduleAt(t, "js/cbor.js"))
	want := []string{
		"00", "17", "1818", "18ff", "190100", "19ffff", "1a00010000", "1affffffff", "1b0000000100000000", "20", "27", "37", "3818",
		"6a" + hex.EncodeToString([]byte("Signature1")), "62c3bc", "420102", "590100",
		"80", "82018102", "a0", "a10127",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// The examples of RFC 9285 section 4.3.
func TestBase45(t *testing.T) {
	ctx := modules(t)
	for plain, want := range map[string]string{"AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "": ""} {
		got := eval[string](t, ctx, `import(%s).then(({ encode }) => encode(new TextEncoder().encode(%s)))`, moduleAt(t, "js/base45.js"), plain)
		if got != want {
			t.Errorf("base45 of %q: %q, want %q", plain, got, want)
		}
	}
}

// Alphanumeric characters that a version holds, ISO/IEC 18004 table 7.
var (
	capacityL = []int{25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758, 854, 938, 1046, 1153, 1249, 1352,
		1460, 1588, 1704, 1853, 1990, 2132, 2223, 2369, 2520, 2677, 2840, 3009, 3183, 3351, 3537, 3729, 3927, 4087, 4296}
	capacityM = []int{20, 38, 61, 90, 122, 154, 178, 221, 262, 311, 366, 419, 483, 528, 600, 656, 734, 816, 909, 970, 1035, 1134,
		1248, 1326, 1451, 1542, 1637, 1732, 1839, 1994, 2113, 2238, 2369, 2506, 2632, 2780, 2894, 3054, 3220, 3391}
)

type symbol struct {
	Size    int    `json:"size"`
	Version int    `json:"version"`
	Level   string `json:"level"`
	Mask    int    `json:"mask"`
	Modules string `json:"modules"` // base64
}

// All versions at both levels, each full to the last character, are read by the doors'
// decoder.
func TestEveryQRVersionIsRead(t *testing.T) {
	ctx := modules(t)
	masks := map[int]bool{}
	for version := 1; version <= 40; version++ {
		for level, capacity := range map[string]int{"L": capacityL[version-1], "M": capacityM[version-1]} {
			if level == "M" && version > 1 && capacity <= capacityL[version-2] {
				continue // a smaller symbol holds it at level L, so this one is never made
			}
			// A detector may find false finder patterns among the thousands of modules of a large
			// symbol. Whatever a pass can be, and much more, has to be read at once; of larger
			// symbols one text in one of a few sizes.
			texts, scales := 1, []int{3}
			if version > 20 {
				texts, scales = 3, []int{3, 4, 5}
			}
			err := errors.New("not tried")
			for seed := 0; seed < texts && err != nil; seed++ {
				text := alphanumeric(capacity, version+100*seed)
				s := encoded(t, ctx, text)
				masks[s.Mask] = true
				if s.Version != version || s.Level != level {
					t.Fatalf("%d characters: version %d-%s, want %d-%s", capacity, s.Version, s.Level, version, level)
				}
				for i := 0; i < len(scales) && err != nil; i++ {
					err = readBack(s.frame(t, scales[i]), text)
				}
			}
			if err != nil {
				t.Errorf("version %d-%s: %v", version, level, err)
			}
		}
	}
	for seed := 0; len(masks) < 8 && seed < 200; seed++ {
		text := alphanumeric(40, seed)
		s := encoded(t, ctx, text)
		masks[s.Mask] = true
		if err := readBack(s.frame(t, 3), text); err != nil {
			t.Errorf("version %d, mask %d: %v", s.Version, s.Mask, err)
		}
	}
	if len(masks) != 8 {
		t.Errorf("only the masks %v were chosen, so the others are untested", masks)
	}
}

// readBack is nil when the doors' decoder reads just this text in the picture.
func readBack(picture *qr.Image, text string) error {
	got, err := scanner.NewDecoder().Decode(picture)
	if err == nil && string(got) != text {
		err = fmt.Errorf("read %.20q..., want %.20q...", got, text)
	}
	return err
}

// shows waits until a reader finds the code on the screen, which gets it a moment after the page.
func shows(t *testing.T, ctx context.Context, text string) (err error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if err = readBack(frameOf(picture(t, ctx)), text); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// A text with lower case is bytes, up to what ISO/IEC 18004 table 7 says.
func TestQROfBytes(t *testing.T) {
	ctx := modules(t)
	for version, length := range map[int]int{1: 17, 2: 32, 5: 106, 9: 230, 10: 271, 20: 858} {
		text := strings.ToLower(alphanumeric(length-1, version)) + "#"
		s := encoded(t, ctx, text)
		if s.Version != version || s.Level != "L" {
			t.Errorf("%d bytes: version %d-%s, want %d-L", length, s.Version, s.Level, version)
		}
		if err := readBack(s.frame(t, 3), text); err != nil {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
	if s := encoded(t, ctx, strings.Repeat("a", 2953)); s.Version != 40 {
		t.Errorf("2953 bytes: version %d", s.Version)
	}
}

func TestQRRefuses(t *testing.T) {
	ctx := modules(t)
	for _, text := range []string{strings.Repeat("a", 2954), strings.Repeat("A", 4297)} {
		failed := eval[bool](t, ctx, `import(%s).then(({ encode }) => { try { encode(%s); return false } catch { return true } })`, moduleAt(t, "js/qr.js"), text)
		if !failed {
			t.Errorf("%.10q of %d characters was encoded", text, len(text))
		}
	}
}

func encoded(t *testing.T, ctx context.Context, text string) symbol {
	t.Helper()
	return eval[symbol](t, ctx, `import(%s).then(({ encode }) => {
		const symbol = encode(%s);
		return { ...symbol, modules: symbol.modules.toBase64() };
	})`, moduleAt(t, "js/qr.js"), text)
}

// frame is the symbol as a camera would see it at its best, with 4 modules of white around it.
func (s symbol) frame(t *testing.T, scale int) *qr.Image {
	t.Helper()
	modules, err := base64.StdEncoding.DecodeString(s.Modules)
	if err != nil {
		t.Fatal(err)
	}
	const quiet = 4
	width := (s.Size + 2*quiet) * scale
	f := new(qr.Image)
	f.Resize(width, width)
	for i := range f.Pix {
		x, y := i%width/scale-quiet, i/width/scale-quiet
		if x < 0 || y < 0 || x >= s.Size || y >= s.Size || modules[y*s.Size+x] == 0 {
			f.Pix[i] = 255
		}
	}
	return f
}

func alphanumeric(length, seed int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	out := make([]byte, length)
	state := uint32(seed)*2654435761 + 1
	for i := range out {
		state = state*1664525 + 1013904223
		out[i] = alphabet[(state>>16)%uint32(len(alphabet))]
	}
	return string(out)
}

// frameOf is a screenshot in grey.
func frameOf(picture image.Image) *qr.Image {
	b := picture.Bounds()
	f := new(qr.Image)
	f.Resize(b.Dx(), b.Dy())
	for y := range f.Height {
		for x := range f.Width {
			r, g, blue, _ := picture.At(b.Min.X+x, b.Min.Y+y).RGBA()
			f.Row(y)[x] = byte((299*r + 587*g + 114*blue) / 1000 >> 8)
		}
	}
	return f
}
