package pass_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

// requestVector is one published example of what a phone asks its registry.
type requestVector struct {
	Name    string     `json:"name"`
	Comment string     `json:"comment"`
	Request string     `json:"request"` // its type without "application/ashyq-"
	Result  string     `json:"result"`
	Now     int64      `json:"now"`
	Seed    string     `json:"phone_seed,omitempty"`
	Signed  int64      `json:"signed,omitempty"`
	Phone   string     `json:"phone,omitempty"`
	Days    []dayField `json:"days,omitempty"`
	What    string     `json:"what,omitempty"`
	Payload string     `json:"payload"`
	Message string     `json:"message"`
}

type dayField struct {
	Day    uint16 `json:"day"`
	Holder string `json:"holder"`
}

var requestResults = map[string]error{
	"valid": nil, "not-a-request": pass.ErrNotARequest, "code": pass.ErrCode,
	"forged": pass.ErrForged, "stale": pass.ErrStale, "future": pass.ErrFuture,
}

var requestTypes = map[string]string{"top-up": pass.TopUpType, "self": pass.SelfCheckType, "ask": pass.AskType}

// requestRecipe makes a vector by hand: a good request, each stage of which can be spoilt.
type requestRecipe struct {
	name, comment, request, result string

	days    []pass.DayKey
	signed  uint32
	payload func([]byte) []byte
	message func([]byte) []byte
}

var requestRecipes = []requestRecipe{
	{name: "top-up", comment: "the credentials of three days", request: "top-up", result: "valid", days: manyDays(3)},
	{name: "top-up-31", comment: "of as many days as there can be", request: "top-up", result: "valid", days: manyDays(31)},
	{name: "top-up-apart", comment: "days need not follow each other", request: "top-up", result: "valid",
		days: []pass.DayKey{{Day: nowOnDay, Holder: publicOf(testKey(0x80))}, {Day: nowOnDay + 30, Holder: publicOf(testKey(0x81))}}},
	{name: "self", comment: "how does my pass stand?", request: "self", result: "valid"},
	{name: "ask", comment: "which phones have a pass of mine? The phone signs the path of the request", request: "ask", result: "valid"},
	{name: "self-oldest", comment: "25 s old", request: "self", result: "valid", signed: nowAt - 25},
	{name: "self-newest", comment: "10 s ahead", request: "self", result: "valid", signed: nowAt + 10},
	{name: "self-stale", comment: "26 s old", request: "self", result: "stale", signed: nowAt - 26},
	{name: "self-future", comment: "11 s ahead", request: "self", result: "future", signed: nowAt + 11},
	{name: "self-forged", comment: "one bit of the signature differs", request: "self", result: "forged", message: flipSignature},
	{name: "self-by-another", comment: "signed by another key than it names", request: "self", result: "forged",
		message: resealed(foreignKey, requestHeader(pass.SelfCheckType), emptyMap)},
	{name: "code-as-self", comment: "a code that was shown at a door", request: "self", result: "code",
		message: func([]byte) []byte { return unhex(recipe{}.vector().RotatingCode) }},
	{name: "credential-as-self", comment: "the credential in it", request: "self", result: "code",
		message: func([]byte) []byte { return unhex(recipe{}.vector().SealedCredential) }},
	{name: "ask-as-self", comment: "a request of another type", request: "self", result: "not-a-request",
		message: resealed(phoneKey, requestHeader(pass.AskType), emptyMap)},
	{name: "self-with-kid", comment: "requests have no kid", request: "self", result: "not-a-request",
		message: resealed(phoneKey, join(unhex("a3 01 27 04 44 01020304 10"), textItem(pass.SelfCheckType)), emptyMap)},
	{name: "self-of-three", comment: "an array of three", request: "self", result: "not-a-request",
		payload: func(b []byte) []byte { return join(unhex("83"), b[1:], unhex("00")) }},
	{name: "self-phone-key-31", comment: "a phone key of 31 bytes", request: "self", result: "not-a-request",
		payload: replace(bytesItem(publicOf(phoneKey)), bytesItem(publicOf(phoneKey)[1:]))},
	{name: "self-long-time", comment: "iat in eight bytes where four do", request: "self", result: "not-a-request",
		payload: replace(uintItem(nowAt), join(unhex("1b 00000000"), uintItem(nowAt)[1:]))},
	{name: "top-up-of-nothing", comment: "no day", request: "top-up", result: "not-a-request"},
	{name: "top-up-32", comment: "32 days", request: "top-up", result: "not-a-request", days: manyDays(32)},
	{name: "top-up-descending", comment: "the days ascend", request: "top-up", result: "not-a-request",
		days: []pass.DayKey{manyDays(2)[1], manyDays(2)[0]}},
	{name: "top-up-same-key", comment: "two days with one key could be linked", request: "top-up", result: "not-a-request",
		days: []pass.DayKey{manyDays(1)[0], {Day: nowOnDay + 1, Holder: manyDays(1)[0].Holder}}},
	{name: "top-up-phone-key", comment: "no code may show the phone key", request: "top-up", result: "not-a-request",
		days: []pass.DayKey{{Day: nowOnDay, Holder: publicOf(phoneKey)}}},
	{name: "top-up-weak-key", comment: "a key for which anybody can sign", request: "top-up", result: "not-a-request",
		days: []pass.DayKey{{Day: nowOnDay, Holder: sign1test.WeakKeys[0].Key()}}},
	{name: "top-up-day-255", comment: "a day that takes two bytes", request: "top-up", result: "not-a-request",
		days: []pass.DayKey{{Day: 255, Holder: manyDays(1)[0].Holder}}},
}

const asked = "/v1/phones"

func (r requestRecipe) vector() requestVector {
	signed := orElse(r.signed, nowAt)
	fields := [][]byte{uintItem(uint64(signed)), bytesItem(publicOf(phoneKey))}
	v := requestVector{
		Name: r.name, Comment: r.comment, Request: r.request, Result: r.result, Now: nowAt,
		Seed: hex.EncodeToString(phoneKey.Seed()),
	}
	switch r.request {
	case "top-up":
		list := head(4, uint64(len(r.days)))
		for _, d := range r.days {
			list = join(list, []byte{0x82}, uintItem(uint64(d.Day)), bytesItem(d.Holder))
			v.Days = append(v.Days, dayField{uint16(d.Day), hex.EncodeToString(d.Holder)})
		}
		fields = append(fields, list)
	case "ask":
		fields = append(fields, textItem(asked))
		v.What = asked
	}
	payload := spoil(r.payload, join([]byte{0x80 | byte(len(fields))}, bytes.Join(fields, nil)))
	message := spoil(r.message, seal(phoneKey, requestHeader(requestTypes[r.request]), emptyMap, payload))
	v.Payload, v.Message = hex.EncodeToString(payload), hex.EncodeToString(message)
	if parsed := r.result != "not-a-request" && r.result != "code"; parsed {
		v.Signed, v.Phone = int64(signed), hex.EncodeToString(publicOf(phoneKey))
	} else {
		v.Days, v.What = nil, ""
	}
	return v
}

const requestVectors = "testdata/vectors/requests.json"

// TestRequestVectors compares the published requests with the recipes, and what the package makes
// and reads with the requests.
func TestRequestVectors(t *testing.T) {
	var vectors []requestVector
	for _, r := range requestRecipes {
		vectors = append(vectors, r.vector())
	}
	want := encodeVectors(t, vectors)
	if *update {
		if err := os.WriteFile(requestVectors, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(requestVectors); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs from what the recipes make, %v; go test -update writes it anew", requestVectors, err)
	}
	for _, v := range vectors {
		r, detail, err := parsers[v.Request](unhex(v.Message))
		if err == nil {
			err = r.Verify(time.Unix(v.Now, 0))
		}
		want, known := requestResults[v.Result]
		if !known || !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %q", v.Name, err, v.Result)
			continue
		}
		if r == nil {
			continue
		}
		if r.Signed.Unix() != v.Signed || hex.EncodeToString(r.Phone) != v.Phone {
			t.Errorf("%s: read %+v", v.Name, r)
		}
		days, _ := detail.([]pass.DayKey)
		what, _ := detail.(string)
		if len(days) != len(v.Days) || what != v.What {
			t.Errorf("%s: read %v %q", v.Name, days, what)
		}
		for i, d := range days {
			if (dayField{uint16(d.Day), hex.EncodeToString(d.Holder)}) != v.Days[i] {
				t.Errorf("%s: read %+v", v.Name, d)
			}
		}
		if v.Result == "valid" {
			compareMade(t, v, days)
		}
	}
}

// compareMade makes the request again with the package.
func compareMade(t *testing.T, v requestVector, days []pass.DayKey) {
	t.Helper()
	at := time.Unix(v.Signed, 999)
	made, err := pass.NewSelfCheck(phoneKey, at)
	switch v.Request {
	case "top-up":
		made, err = pass.NewTopUp(phoneKey, days, at)
	case "ask":
		made, err = pass.NewAsk(phoneKey, v.What, at)
	}
	if err != nil || hex.EncodeToString(made) != v.Message {
		t.Errorf("%s: made %x, %v", v.Name, made, err)
	}
}

func encodeVectors(t *testing.T, vectors any) []byte {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(vectors); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
