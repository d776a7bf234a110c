package server

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// What fields of a kind take.
const (
	takesText         = "digits, emoji" // names and reasons are people's own words
	takesOptional     = "empty, null"
	takesOptionalText = "digits, emoji, empty, null"
	takesNumber       = "null, zero" // zero is the default, or nothing
	takesFlag         = "null"
	takesNetwork      = "digits, emoji, not a character, space, zero width" // an SSID is its owner's choice
	takesPassphrase   = "empty, null, space"
	takesLineEnds     = "line" // encoding/base64 skips them
	// It is not kept: a phone's name that is not printable becomes none, and Seen is only compared.
	takesAnything = "bidi, control, digits, emoji, empty, line, long, not a character, null, space, zero width"
)

// The rows of TestEveryField.
var pageRequests = map[string]pageRequest{
	PathActivate: {kind: "ActivateRequest", takes: map[string]string{
		"code": "space",
		"key":  takesLineEnds,
		"name": takesAnything,
	},
		body: func(r *rig) (any, string) {
			var c CitizenAnswer
			r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
			return ActivateRequest{Code: c.Code, Key: publicKey(phoneOf(1)), Name: "Firefox"}, ""
		}},
	PathSignIn: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, rigOf: messaging,
		body: func(*rig) (any, string) { return CitizenRequest{IIN: iinA}, "" }},
	PathSignInCode: {kind: "SignInCodeRequest", takes: map[string]string{
		"session": "",
		"code":    "space", // as people type it
		"key":     takesLineEnds,
		"name":    takesAnything,
	}, rigOf: messaging, counts: true,
		body: func(r *rig) (any, string) {
			session := r.askCode("192.0.2.7", iinA)
			code := strings.TrimSuffix(codeIn.FindString(r.opt.Messages.(*gateway).take()[0]), ". ")
			return SignInCodeRequest{Session: session, Code: code, Key: publicKey(phoneOf(1)), Name: "Firefox"}, ""
		}},
	PathPhones: {kind: "AskRequest", takes: map[string]string{
		"ask": takesLineEnds,
	}, body: asking(PathPhones, "")},
	PathRemovePhone: {kind: "AskRequest", takes: map[string]string{
		"ask": takesLineEnds,
	}, body: asking(PathRemovePhone, "1")},
	PathMove: {kind: "AskRequest", takes: map[string]string{
		"ask": takesLineEnds,
	}, body: asking(PathMove, "")},
	PathOwnHistory: {kind: "AskRequest", takes: map[string]string{
		"ask": takesLineEnds,
	}, body: asking(PathOwnHistory, "")},
	PathTopUp: {kind: "TopUpRequest", takes: map[string]string{
		"top_up": takesLineEnds,
	},
		body: func(r *rig) (any, string) {
			asked, err := r.activate(iinA, 1).TopUp(time.Now(), 1)
			r.must(err)
			return TopUpRequest{asked}, ""
		}},
	PathSelf: {kind: "SelfRequest", takes: map[string]string{
		"self": takesLineEnds,
		"seen": takesAnything,
		"wait": "most, null, zero",
	},
		body: func(r *rig) (any, string) {
			return SelfRequest{Self: r.selfOf(r.activate(iinA, 1)), Seen: "x", Wait: 1}, ""
		}},
	PathDispute: {kind: "AskRequest", takes: map[string]string{
		"ask": takesLineEnds,
	},
		body: func(r *rig) (any, string) {
			r.post(PathContacts, r.source(Covid19Centre), ContactRequest{IIN: iinA, Since: now()}, nil)
			return asking(PathDispute, "I was elsewhere")(r)
		}},

	PathResults: {kind: "ResultRequest", takes: map[string]string{
		"iin":    "",
		"sample": takesText,
		"result": "",
		"taken":  "",
		"person": takesOptionalText,
		"again":  takesFlag,
	},
		body: func(r *rig) (any, string) {
			result := ResultRequest{IIN: iinA, Sample: "A-1", Result: "negative", Taken: now()}
			result.Person = "Aigerim"
			return result, r.source(Laboratory)
		}},
	PathContacts: {kind: "ContactRequest", takes: map[string]string{
		"iin":    "",
		"since":  "",
		"person": takesOptionalText,
		"again":  takesFlag,
	},
		body: func(r *rig) (any, string) {
			return ContactRequest{IIN: iinA, Since: now(), Signed: Signed{Person: "Aigerim"}}, r.source(Covid19Centre)
		}},
	PathRecords: {kind: "RecordsRequest", takes: map[string]string{
		"records[].iin":        "",
		"records[].sample":     takesText,
		"records[].kind":       "",
		"records[].at":         "",
		"records[].laboratory": takesOptionalText,
		"records[].index_case": takesOptional,
		"person":               takesOptionalText,
		"again":                takesFlag,
	},
		body: func(r *rig) (any, string) {
			entry := EntryRequest{IIN: iinA, Sample: "A-1", Kind: "negative", At: now(), Laboratory: "Lab"}
			return RecordsRequest{Records: []EntryRequest{entry}}, r.source(PCRPortal)
		}},
	PathCorrect: {kind: "CorrectRequest", takes: map[string]string{
		"record":          takesNumber,
		"sample":          "",
		"why":             takesText,
		"person":          takesOptionalText,
		"next.iin":        takesOptional,
		"next.sample":     takesText,
		"next.kind":       takesOptional,
		"next.at":         "null, year 1",
		"next.laboratory": takesOptional,
		"next.index_case": takesOptional,
	},
		body: func(r *rig) (any, string) {
			lab := r.source(Laboratory)
			r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "A-1", Result: "negative", Taken: now()}, nil)
			return CorrectRequest{Target: Target{Sample: "A-1", Why: "typed wrongly"}, Next: EntryRequest{Sample: "A-2"}}, lab
		}},
	PathWithdraw: {kind: "Target", takes: map[string]string{
		"record": takesNumber,
		"sample": "",
		"why":    takesText,
		"person": takesOptionalText,
	},
		body: func(r *rig) (any, string) {
			lab := r.source(Laboratory)
			r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "A-1", Result: "negative", Taken: now()}, nil)
			return Target{Sample: "A-1", Why: "typed wrongly"}, lab
		}},

	PathAccounts: {kind: "AccountRequest", takes: map[string]string{
		"name":   takesText,
		"role":   "",
		"region": takesOptional,
		"bin":    takesOptional,
		"venue":  "",
		"hours":  takesNumber,
	},
		body: func(r *rig) (any, string) {
			shop, _ := r.places()
			return AccountRequest{Name: "Aigerim", Role: store.Staff, Venue: shop, Hours: 2}, adminKey
		}},
	PathRevokeAccount: {kind: "RevokeAccountRequest", takes: map[string]string{
		"id": "",
	},
		body: func(r *rig) (any, string) {
			return RevokeAccountRequest{r.account(adminKey, AccountRequest{Name: "A", Role: store.National}).ID}, adminKey
		}},
	PathOccupancy: {kind: "OccupancyRequest", takes: map[string]string{
		"venue":   "",
		"add":     "negative",
		"inside":  takesFlag,
		"empties": takesFlag,
	},
		body: func(r *rig) (any, string) {
			shop, _ := r.places()
			return OccupancyRequest{Venue: shop, Add: 2}, adminKey
		}},

	PathDesk: {kind: "DeskRequest", takes: map[string]string{
		"code": takesAnything, // whatever a camera sees is answered with a decision
	}, rigOf: withDesk,
		body: func(r *rig) (any, string) {
			shop, _ := r.places()
			return DeskRequest{Code: "x"}, r.account(adminKey, AccountRequest{Name: "S", Role: store.Staff, Venue: shop}).Key
		}},

	PathHistory: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, body: known},
	PathCitizens: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, body: known},
	PathPaper: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, body: known},
	PathRevoke: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, body: known},
	PathSuspend: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, body: known},
	PathResume: {kind: "CitizenRequest", takes: map[string]string{
		"iin": "",
	}, body: known},
	PathSettle: {kind: "SettleRequest", takes: map[string]string{
		"stand[]": "",
		"end[]":   "",
		"why":     takesText,
		"person":  takesOptionalText,
	},
		body: func(r *rig) (any, string) {
			lab := r.source(Laboratory)
			for i, result := range []string{"positive", "negative"} {
				r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: strconv.Itoa(i), Result: result, Taken: now()}, nil)
			}
			return SettleRequest{Stand: []int64{1}, End: []int64{2}, Why: "asked the laboratory"}, adminKey
		}},
	PathWithdrawSource: {kind: "WithdrawSourceRequest",
		takes: map[string]string{
			"name":    "",
			"since":   "",
			"preview": takesFlag,
			"last":    "most, negative",
			"why":     takesText,
			"person":  takesOptionalText,
		},
		body: func(r *rig) (any, string) {
			result := ResultRequest{IIN: iinA, Sample: "A-1", Result: "negative", Taken: now()}
			r.post(PathResults, r.source(Laboratory), result, nil)
			return WithdrawSourceRequest{Name: Laboratory, Since: now().Add(-time.Hour), Last: 1, Why: "stolen key"}, adminKey
		}},
	PathSources: {kind: "SourceRequest", takes: map[string]string{
		"name":   takesText,
		"kind":   "",
		"region": takesOptional,
		"hourly": takesNumber,
	},
		body: byAdmin(SourceRequest{Name: "Lab", Kind: Laboratory, Region: "KZ-75", Hourly: 5})},
	PathSuspendSource: {kind: "NameRequest", takes: map[string]string{
		"name": "",
	}, body: aboutSource},
	PathResumeSource: {kind: "NameRequest", takes: map[string]string{
		"name": "",
	}, body: aboutSource},
	PathRotateSource: {kind: "NameRequest", takes: map[string]string{
		"name": "",
	}, body: aboutSource},
	PathRevokeSource: {kind: "NameRequest", takes: map[string]string{
		"name": "",
	}, body: aboutSource},
	PathLimitSource: {kind: "LimitRequest", takes: map[string]string{
		"name":   "",
		"hourly": "zero", // all wait
	},
		body: func(r *rig) (any, string) { r.source(Laboratory); return LimitRequest{Laboratory, new(5)}, adminKey }},
	PathApprove: {kind: "DecideRequest", takes: map[string]string{
		"name": "",
		"last": "most, negative, null, zero",
	}, body: deciding},
	PathDiscard: {kind: "DecideRequest", takes: map[string]string{
		"name": "",
		"last": "most, negative, null, zero",
	}, body: deciding},

	PathPublishRules: {kind: "RulesVersionRequest", takes: map[string]string{"version": ""},
		body: func(r *rig) (any, string) {
			ann, bob := r.national("Ann"), r.national("Bob")
			var a RulesStored
			w := r.putRulesAs(ann, r.current().Version, rulesOf(weekends), "")
			r.must(json.Unmarshal(w.Body.Bytes(), &a))
			return RulesVersionRequest{a.Version}, bob
		}},
	PathRollBackRules: {kind: "RollBackRequest", takes: map[string]string{
		"version": "", "changes": "", "why": "digits, emoji, line, space", "alone": takesFlag,
	},
		body: func(r *rig) (any, string) {
			first := r.current().Version
			r.putRulesAs(adminKey, first, rulesOf(weekends), "&alone=1")
			return RollBackRequest{Version: first, Changes: r.current().Version, Why: "back", Alone: true}, adminKey
		}},
	PathRegions: {kind: "[]store.Region", takes: map[string]string{
		"[].code": "",
		"[].kk":   takesText,
		"[].ru":   takesText,
		"[].en":   takesText,
	}, put: true,
		body: byAdmin([]store.Region{{Code: "KZ-99", KK: "Жаңа", RU: "Новый", EN: "New"}})},
	PathRemoveRegion: {kind: "RegionRequest", takes: map[string]string{
		"code": "",
	}, body: byAdmin(RegionRequest{"KZ-10"})},
	PathVenues: {kind: "[]store.Venue", takes: map[string]string{
		"[].id":          "most, negative, null, zero",
		"[].bin":         "",
		"[].name":        takesText,
		"[].kind":        "",
		"[].region":      "",
		"[].zone":        takesOptional,
		"[].address":     takesOptionalText,
		"[].capacity":    takesNumber,
		"[].phone":       takesPassphrase,
		"[].entrances[]": takesText,
		"[].exits[]":     takesText,
	}, put: true,
		body: byAdmin([]store.Venue{{
			BIN: shopBIN, Name: "Shop", Kind: "shop", Region: "KZ-75", Zone: "green", Address: "Abay 1", Capacity: 3,
			Phone: "+77010000000", Entrances: []string{"North"}, Exits: []string{"South"},
		}})},
	PathSaveVenue: {kind: "store.Venue", takes: map[string]string{
		"id":          "null, zero",
		"bin":         "",
		"name":        takesText,
		"kind":        "",
		"region":      "",
		"zone":        takesOptional,
		"address":     takesOptionalText,
		"capacity":    takesNumber,
		"phone":       takesPassphrase,
		"entrances[]": takesText,
		"exits[]":     takesText,
	},
		body: byAdmin(store.Venue{
			BIN: shopBIN, Name: "Shop", Kind: "shop", Region: "KZ-75", Zone: "green", Address: "Abay 1", Capacity: 3,
			Phone: "+77010000000", Entrances: []string{"North"}, Exits: []string{"South"},
		})},
	PathEnrolCodes: {kind: "EnrolCodesRequest", takes: map[string]string{
		"doors[].name":    takesText,
		"doors[].place":   takesNumber,
		"doors[].venue":   "",
		"doors[].zone":    takesOptional,
		"doors[].way":     takesOptional,
		"doors[].ring":    takesOptional,
		"wifi.ssid":       takesNetwork,
		"wifi.passphrase": takesPassphrase,
		"wifi.country":    takesOptional,
		"days":            takesNumber,
	},
		body: byAdmin(EnrolCodesRequest{WiFi: wifi, Days: 3, Doors: []EnrolDoor{{
			Name: "door", Venue: "shop", Zone: "green", Way: "entry", Ring: "all",
		}}})},
	PathReleases: {kind: "store.ReleaseRequest", takes: map[string]string{
		"ring":    "",
		"bundle":  takesOptional,
		"version": "",
	},
		body: func(r *rig) (any, string) {
			r.must(os.WriteFile(filepath.Join(r.bundles, "ashyq-2.raucb"), []byte("x"), 0o600))
			return store.ReleaseRequest{Ring: "all", Bundle: "ashyq-2.raucb", Version: "2.0"}, adminKey
		}},
	PathSheets: {kind: "SheetsRequest", takes: map[string]string{
		"venue":           takesNumber,
		"region":          takesOptional,
		"after":           takesNumber,
		"again":           takesFlag,
		"wifi.ssid":       takesNetwork,
		"wifi.passphrase": takesPassphrase,
		"wifi.country":    takesOptional,
		"days":            takesNumber,
	},
		body: func(r *rig) (any, string) {
			r.places()
			return SheetsRequest{Region: "KZ-75", WiFi: wifi, Days: 3}, adminKey
		}},
	PathReplaceDoor: {kind: "ReplaceDoorRequest", takes: map[string]string{
		"name":            "",
		"wifi.ssid":       takesNetwork,
		"wifi.passphrase": takesPassphrase,
		"wifi.country":    takesOptional,
		"days":            takesNumber,
	},
		body: func(r *rig) (any, string) { return ReplaceDoorRequest{Name: door(r), WiFi: wifi, Days: 3}, adminKey }},
	PathRevokeDoor: {kind: "RevokeDoorRequest", takes: map[string]string{
		"name": "",
	},
		body: func(r *rig) (any, string) { return RevokeDoorRequest{door(r)}, adminKey }},
	PathApproveDoor: {kind: "ApproveRequest", takes: map[string]string{
		"name": "",
	},
		body: func(r *rig) (any, string) {
			name := door(r)
			certificate := store.Certificate{Print: store.SecretOf("certificate"), Until: now().Add(-time.Hour)}
			give := func(d store.Door) (store.Certificate, error) { certificate.Door = d.ID; return certificate, nil }
			token := store.SecretOf("token")
			doors := []store.Door{{Name: name, Venue: "shop", Zone: "green", Way: "entry", Ring: "all"}}
			r.must(r.opt.Store.PutTokens(r.Context(), doors, []store.Secret{token}, now().Add(time.Hour)))
			r.must(r.opt.Store.Enrol(r.Context(), token, store.Enrollee{Device: "00112233aabbccdd", Key: token, SealKey: make([]byte, 32)}, now(), give))
			err := r.opt.Store.Renew(r.Context(), certificate, "00112233aabbccdd", now(), give)
			if !errors.Is(err, store.ErrUnapproved) {
				r.Fatal(err)
			}
			return ApproveRequest{name}, adminKey
		}},
	PathAlerts: {kind: "RecipientRequest", takes: map[string]string{
		"name":     takesText,
		"region":   takesOptional,
		"kinds[]":  "",
		"language": "",
		"mail":     takesOptional,
		"hook":     "",
	},
		rigOf: alerting, body: byAdmin(duty)},
	PathRemoveRecipient: {kind: "IDRequest", takes: map[string]string{
		"id": "",
	}, rigOf: alerting,
		body: func(r *rig) (any, string) {
			var a RecipientAnswer
			r.post(PathAlerts, adminKey, duty, &a)
			return IDRequest{a.ID}, adminKey
		}},
}

var duty = RecipientRequest{
	Name: "Duty", Region: "KZ-75", Kinds: []string{"silent"}, Language: "kk", Hook: "https://example.com/x",
}

var wifi = &api.WiFi{SSID: "Keruen", Passphrase: "12345678", Country: "KZ"}

// known is a request about a citizen with a pass.
func known(r *rig) (any, string) {
	r.activate(iinA, 1)
	return CitizenRequest{IIN: iinA}, adminKey
}

// aboutSource is a request about a source.
func aboutSource(r *rig) (any, string) {
	r.source(Laboratory)
	return NameRequest{Laboratory}, adminKey
}

// deciding is a request about a record that waits.
func deciding(r *rig) (any, string) {
	lab := r.source(Laboratory)
	r.post(PathLimitSource, adminKey, LimitRequest{Laboratory, new(0)}, nil)
	r.call("POST", PathResults, lab, ResultRequest{IIN: iinA, Sample: "A-1", Result: "positive", Taken: now()})
	return DecideRequest{Laboratory, 1}, adminKey
}

// door makes one and gives its name.
func door(r *rig) string {
	var a EnrolCodesAnswer
	r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "door", Venue: "shop"}}}, &a)
	return "door"
}

// asking is a request that a phone has signed.
func asking(path, argument string) func(*rig) (any, string) {
	return func(r *rig) (any, string) { return r.askOf(r.activate(iinA, 1), path, argument), "" }
}

// messaging is a registry that sends codes to phones.
func messaging(t *testing.T) *rig {
	r, _ := signInRig(t)
	return r
}

// withDesk is a registry in which the staff check passes.
func withDesk(t *testing.T) *rig {
	return newRigThat(t, func(o *Options) { o.NewDesk = func(DeskParts) Desk { return refusingDesk{} } })
}

// refusingDesk takes every code for none, as a door does with these.
type refusingDesk struct{}

func (refusingDesk) Decide(context.Context, []byte, []byte, time.Time) (Decision, error) {
	return Decision{Signal: "code-problem", Colour: "none"}, nil
}

// alerting is a registry that tells people what is wrong.
func alerting(t *testing.T) *rig { return newRigWith(t, AlertOptions{}) }
