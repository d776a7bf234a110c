package server

import (
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/store"
)

// What offices and citizens say to the registry; what doors say is in package api. In JSON, times
// are RFC 3339, bytes are base64url without padding, bearer keys are as api.FormatKey writes them,
// and statuses are statuslist.Status names.
const (
	// PathActivate: POST ActivateRequest -> 204. The one-time code is the authorisation.
	PathActivate = "/v1/activate"
	// PathTopUp: POST TopUpRequest -> TopUpAnswer: credentials for days. Authorised by what the
	// phone signs with the key that it was activated with, as package pass describes it; so the
	// next one.
	PathTopUp = "/v1/top-up"
	// PathSelf: POST SelfRequest -> SelfAnswer.
	PathSelf = "/v1/self"
	// PathSignIn: POST CitizenRequest -> SignInAnswer, the same for every IIN; GET -> SignInKind.
	PathSignIn = "/v1/signin"
	// PathSignInCode: POST SignInCodeRequest -> 204. The code that was sent is the authorisation.
	PathSignInCode = "/v1/signin/code"
	// PathPhones: POST AskRequest -> PhonesAnswer: the own phones. Authorised by what the phone
	// signs, as above; so the next ones.
	PathPhones = "/v1/phones"
	// PathRemovePhone: POST AskRequest, with the phone's id behind the path -> 204.
	PathRemovePhone = "/v1/phones/remove"
	// PathMove: POST AskRequest -> CitizenAnswer: a one-time code for another phone.
	PathMove = "/v1/phones/code"
	// PathOwnHistory: POST AskRequest -> OwnHistoryAnswer.
	PathOwnHistory = "/v1/self/history"
	// PathDispute: POST AskRequest, with the reason, of 1 to 200 bytes, behind the path -> 204: the
	// records behind the own red or yellow are wrong.
	PathDispute = "/v1/dispute"
	// PathResults: POST ResultRequest -> 204, or 202 WaitingAnswer. Bearer: the key of a laboratory
	// or of the PCR portal.
	PathResults = "/v1/results"
	// PathContacts: POST ContactRequest -> 204, or 202 WaitingAnswer. Bearer: the Covid-19 centre's
	// key.
	PathContacts = "/v1/contacts"
	// PathRecords: POST RecordsRequest -> RecordsAnswer. Bearer: the key of any source.
	PathRecords = "/v1/records"
	// PathCorrect: POST CorrectRequest -> EntryAnswer: another record replaces this one. Bearer:
	// the key of its source, or the administrator's for any record; so the next one.
	PathCorrect = "/v1/records/correct"
	// PathWithdraw: POST Target -> 204.
	PathWithdraw = "/v1/records/withdraw"
	// PathToday: GET -> []store.TodayEntry: the source's own entries of the last 24 hours, or since
	// the time ?since=. Bearer: the key of any source.
	PathToday = "/v1/records/today"
	// PathHistory: POST CitizenRequest -> []store.Kept. Bearer: the administrator's key.
	PathHistory = "/v1/records/history"
	// PathCases: GET -> store.Cases. Bearer: the administrator's key.
	PathCases = "/v1/cases"
	// PathSettle: POST SettleRequest -> 204. Bearer: the administrator's key.
	PathSettle = "/v1/cases/settle"
	// PathWho: GET -> WhoAnswer. Bearer: the key of any source.
	PathWho = "/v1/sources/self"
	// PathImports: POST, a CSV file as package csvfile reads it, ?person=NAME -> 202 store.Import.
	// GET -> ImportsAnswer. PathImports + "/{id}": GET -> store.Import. PathImports +
	// "/{id}/refused.csv": GET -> the rows that were refused, with the reasons in the language of
	// Accept-Language. Bearer: the key of a laboratory, the PCR portal or the Covid-19 centre.
	PathImports = "/v1/imports"
	// PathFHIR: POST, an HL7 FHIR R4 message as package fhir reads it -> fhir.Outcome, with status
	// 200, or 422 where nothing was taken. Bearer: the key of a laboratory or the PCR portal.
	PathFHIR = "/v1/fhir"
	// PathCitizens: POST CitizenRequest -> CitizenAnswer. Bearer: the administrator's key.
	PathCitizens = "/v1/citizens"
	// PathPaper: POST CitizenRequest -> PaperAnswer. Bearer: the administrator's key.
	PathPaper = "/v1/paper"
	// PathMe: GET -> store.Account: whose key it is. Bearer: the key of any account. "The
	// administrator's key" is that of a national account, or admin.key.
	PathMe = "/v1/me"
	// PathAccounts: POST AccountRequest -> AccountAnswer; GET ?role=ROLE&before=ID ->
	// AccountsAnswer. Bearer: the administrator's key; a regional one's for owners and staff of the
	// region's venues, an owner's for staff of the own venues; so the next one.
	PathAccounts = "/v1/accounts"
	// PathRevokeAccount: POST RevokeAccountRequest -> 204: the account's key is void for ever.
	PathRevokeAccount = "/v1/accounts/revoke"
	// PathSources: POST SourceRequest -> SourceAnswer; GET -> SourcesAnswer. Bearer: the
	// administrator's key, or to read a regional one.
	PathSources = "/v1/sources"
	// PathSuspendSource: POST NameRequest -> 204: refuses what the source sends. Bearer: the
	// administrator's key.
	PathSuspendSource = "/v1/sources/suspend"
	// PathResumeSource: POST NameRequest -> 204: ends the suspension. Bearer: the administrator's
	// key.
	PathResumeSource = "/v1/sources/resume"
	// PathRotateSource: POST NameRequest -> SourceAnswer: replaces the source's key; the old one is
	// void at once. Bearer: the administrator's key.
	PathRotateSource = "/v1/sources/rotate"
	// PathRevokeSource: POST NameRequest -> 204: the source's key is void until it gets another
	// one. Bearer: the administrator's key.
	PathRevokeSource = "/v1/sources/revoke"
	// PathLimitSource: POST LimitRequest -> 204. Bearer: the administrator's key.
	PathLimitSource = "/v1/sources/limit"
	// PathApprove: POST DecideRequest -> DecideAnswer: waiting records count. Bearer: the
	// administrator's key.
	PathApprove = "/v1/sources/approve"
	// PathDiscard: POST DecideRequest -> DecideAnswer: waiting records are dropped. Bearer: the
	// administrator's key.
	PathDiscard = "/v1/sources/discard"
	// PathWithdrawSource: POST WithdrawSourceRequest -> WithdrawSourceAnswer. Bearer: the
	// administrator's key.
	PathWithdrawSource = "/v1/sources/withdraw"
	// PathSuspend: POST CitizenRequest -> 204: the citizen's passes must not be used until
	// PathResume. Bearer: the administrator's key.
	PathSuspend = "/v1/suspend"
	// PathResume: POST CitizenRequest -> 204. Bearer: the administrator's key.
	PathResume = "/v1/resume"
	// PathRevoke: POST CitizenRequest -> 204: revokes all credentials of the citizen. Bearer: the
	// administrator's key.
	PathRevoke = "/v1/revoke"
	// PathRules: GET -> RulesAnswer, the version in force; PUT a rules document (JSON as
	// kiosk.ParseRules reads it) ?changes=VERSION&why=TEXT -> RulesStored: the next version. It
	// waits for PathPublishRules; with &alone=1 the holder of admin.key puts it in force alone. 409
	// with RulesConflict: the version that it changes is not in force any more. 422 with
	// RulesCheck: doors would refuse it. Bearer: the key of a national administrator; so the next
	// ones.
	PathRules = "/v1/rules"
	// PathRulesVersions: GET ?before=VERSION -> []store.RulesVersion, at most 100, the newest
	// first; GET with /VERSION -> RulesAnswer.
	PathRulesVersions = "/v1/rules/versions"
	// PathRulesCompare: GET ?from=VERSION&to=VERSION -> decree.Changes.
	PathRulesCompare = "/v1/rules/compare"
	// PathRulesCheck: POST a document -> RulesCheck. Nothing is stored.
	PathRulesCheck = "/v1/rules/check"
	// PathRulesPreview: POST a document ?counts=2021-04-20&on=2021-04-24&occupancy=0.4 ->
	// RulesPreview: what it and the version in force decide about the people who were counted on
	// one day, if they come on another day. Without these: yesterday, on that day, an unknown share
	// of seats.
	PathRulesPreview = "/v1/rules/preview"
	// PathPublishRules: POST RulesVersionRequest -> 204: another person's version is in force. 409
	// with RulesConflict: it was overtaken.
	PathPublishRules = "/v1/rules/publish"
	// PathRollBackRules: POST RollBackRequest -> RulesStored: the next version has an earlier one's
	// document.
	PathRollBackRules = "/v1/rules/back"
	// PathEnrolCodes: POST EnrolCodesRequest -> EnrolCodesAnswer. Bearer: the administrator's key.
	PathEnrolCodes = "/v1/enrol/codes"
	// PathRevokeDoor: POST RevokeDoorRequest -> 204: the door's certificates are no longer valid.
	// Bearer: the administrator's key.
	PathRevokeDoor = "/v1/doors/revoke"
	// PathApproveDoor: POST ApproveRequest -> 204: a door that asks for it may renew its expired
	// certificate once, within 24 hours. Bearer: the administrator's key.
	PathApproveDoor = "/v1/doors/approve"
	// PathReleases: POST ReleaseRequest -> 204; GET -> []store.ReleaseRequest. Bearer: the
	// administrator's key.
	PathReleases = "/v1/releases"
	// PathRegions: GET -> []store.Region; PUT []store.Region -> 204: adds regions, or gives them
	// other names. Bearer: the administrator's key.
	PathRegions = "/v1/regions"
	// PathRemoveRegion: POST RegionRequest -> 204, if nothing belongs to it. Bearer: the
	// administrator's key.
	PathRemoveRegion = "/v1/regions/remove"
	// PathVenues: GET ?region=CODE&after=ID -> []store.Venue by name, at most 500, after the one
	// that was listed last; PUT []store.Venue -> 204: adds venues, or changes those of the same BIN
	// and name; at most 1,000. Bearer: the administrator's key.
	PathVenues = "/v1/venues"
	// PathOccupancy: GET ?venue=ID, or POST OccupancyRequest -> store.Hall: how many people are in
	// a venue that has a capacity. Of any other the answer has the capacity 0. Bearer: the key of
	// an account that the venue belongs to.
	PathOccupancy = "/v1/occupancy"
	// PathDesk: GET -> DeskAnswer; POST DeskRequest -> DeskDecision: the staff check a pass with
	// their own phone. Bearer: the key of a staff session.
	PathDesk = "/v1/desk"
	// PathRestored: POST {} -> 204: all sources have sent again what came after the backup that
	// this registry was restored from. Bearer: the administrator's key.
	PathRestored = "/v1/restored"
	// PathOverview: GET -> store.Overview of the country, or of ?region=CODE or ?venue=ID. Bearer:
	// the administrator's key, or a regional one for the own region; so the next three.
	PathOverview = "/v1/overview"
	// PathOverviewVenues: GET ?region=CODE&q=TEXT&wrong=KIND&page=N -> store.VenuesPage. KIND is
	// one of store.Wrongs, or any.
	PathOverviewVenues = "/v1/overview/venues"
	// PathDoors: GET ?region=CODE&venue=ID&q=TEXT&wrong=KIND&page=N -> store.DoorsPage. PathDoors +
	// "/{id}": GET -> store.DoorDetail.
	PathDoors = "/v1/doors"
)

// ActivateRequest exchanges a one-time code for a pass of the phone with that key.
type ActivateRequest struct {
	Code string `json:"code"`
	Key  string `json:"key"`            // base64url, 32 bytes, Ed25519; no code shows it
	Name string `json:"name,omitempty"` // what the phone says of itself, at most 40 bytes
}

// TopUpRequest asks for the credentials of some days, from today to the 30th day after it, by UTC.
type TopUpRequest struct {
	TopUp string `json:"top_up"` // base64url, as pass.NewTopUp makes it
}

// TopUpAnswer has the credentials, sealed as in package pass, in the order of the days.
type TopUpAnswer struct {
	Credentials []string `json:"credentials"` // base64url
}

// SelfRequest asks for one's own status. With Seen the answer comes when there is another one to
// show, at the latest after Wait.
type SelfRequest struct {
	Self string `json:"self"`           // base64url, as pass.NewSelfCheck makes it, a moment ago
	Seen string `json:"seen,omitempty"` // SelfAnswer.State of what the phone shows
	Wait int    `json:"wait,omitempty"` // s; longer than LongestWait is that
}

// SelfAnswer is one's own status in words that a page can show.
type SelfAnswer struct {
	Status string    `json:"status"`
	Colour string    `json:"colour"` // red, yellow, blue, green; empty for a revoked pass
	AsOf   time.Time `json:"as_of"`
	Until  time.Time `json:"until,omitzero"`
	// Why: the records that give the colour, the longest-lasting first.
	Reasons  []Reason `json:"reasons"`
	Disputed bool     `json:"disputed,omitempty"` // and nobody has looked yet
	// When another phone got a pass of the same person after this one.
	NewPhone time.Time `json:"new_phone,omitzero"`
	State    string    `json:"state"` // is another one when anything above but AsOf is
	// How long the registry has kept the request, ms.
	Waited int64 `json:"waited_ms,omitempty"`
}

// SettleRequest decides which records stand and which end.
type SettleRequest struct {
	Stand  []int64 `json:"stand"` // ids
	End    []int64 `json:"end"`
	Why    string  `json:"why"`
	Person string  `json:"person,omitempty"`
}

// Reason is one record behind a colour.
type Reason struct {
	Kind   store.Kind `json:"kind"`
	At     time.Time  `json:"at"`
	Source string     `json:"source"` // the kind of source
	Until  time.Time  `json:"until"`
}

// CitizenRequest names a citizen by the individual identification number. It never leaves the
// registry.
type CitizenRequest struct {
	IIN string `json:"iin"` // 12 digits with a valid check digit
}

// CitizenAnswer hands out what the citizen needs to activate a phone.
type CitizenAnswer struct {
	Code    string    `json:"code"` // one-time
	URL     string    `json:"url"`  // the citizen's page with the code behind '#'
	Expires time.Time `json:"expires"`
}

// PaperAnswer is a printed pass.
type PaperAnswer struct {
	Code    string    `json:"code"` // "AQ1:..."
	Expires time.Time `json:"expires"`
}

// ResultRequest is one PCR result. The same sample posted again changes nothing.
type ResultRequest struct {
	IIN    string    `json:"iin"`
	Sample string    `json:"sample"` // the laboratory's own number
	Result string    `json:"result"` // "positive", "negative" or "inconclusive"
	Taken  time.Time `json:"taken"`
	Signed
}

// ContactRequest is one contact of a case, as found by the Covid-19 centre.
type ContactRequest struct {
	IIN   string    `json:"iin"`
	Since time.Time `json:"since"`
	Signed
}

// Signed is who enters a record.
type Signed struct {
	Person string `json:"person,omitempty"` // as they name themselves; "": the source
	Again  bool   `json:"again,omitempty"`  // also what was withdrawn or discarded before
}

// RecordsRequest is a batch.
type RecordsRequest struct {
	Records []EntryRequest `json:"records"` // at most 1,000
	Signed
}

// EntryRequest is one record.
type EntryRequest struct {
	IIN        string    `json:"iin"`
	Sample     string    `json:"sample,omitempty"`     // the source's own number; PCR results need it
	Kind       string    `json:"kind"`                 // store.Kind, as far as the kind of source sends it
	At         time.Time `json:"at"`                   // sample taken, contact, recovery or vaccination
	Laboratory string    `json:"laboratory,omitempty"` // from the PCR portal: whose sample
	IndexCase  string    `json:"index_case,omitempty"` // of a contact
}

// RecordsAnswer has one answer for each record, in their order.
type RecordsAnswer struct {
	Records []EntryAnswer `json:"records"`
}

// EntryAnswer is what became of one record.
type EntryAnswer struct {
	Outcome string `json:"outcome"`          // "entered", "known", "waits" or "refused"
	Record  int64  `json:"record,omitempty"` // its id
	Field   string `json:"field,omitempty"`  // which one is wrong; empty: the record as a whole
	Code    string `json:"code,omitempty"`   // FieldError.Code, "conflict", or "withdrawn": it needs Signed.Again
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Target names a record that is corrected or withdrawn, and says why.
type Target struct {
	Record int64  `json:"record,omitempty"` // its id; or:
	Sample string `json:"sample,omitempty"` // the source's own number
	Why    string `json:"why"`              // 1 to 200 bytes
	Person string `json:"person,omitempty"` // as in Signed
}

// CorrectRequest says what is right instead.
type CorrectRequest struct {
	Target
	Next EntryRequest `json:"next"` // what is empty stays as it is
}

// WithdrawSourceRequest withdraws all that a source has entered since a time.
type WithdrawSourceRequest struct {
	Name    string    `json:"name"`
	Since   time.Time `json:"since"`             // of its entry
	Preview bool      `json:"preview,omitempty"` // only count
	Last    int64     `json:"last,omitempty"`    // of the preview: what came later stays
	Why     string    `json:"why,omitempty"`
	Person  string    `json:"person,omitempty"`
}

// WithdrawSourceAnswer tells how many records were withdrawn. The rest is only in a preview.
type WithdrawSourceAnswer struct {
	Records int                `json:"records"`
	Kinds   map[store.Kind]int `json:"kinds,omitempty"`
	Waiting int                `json:"waiting,omitempty"` // of the records
	People  int                `json:"people,omitempty"`  // with a record in force
	Changes []ColourChange     `json:"changes,omitempty"` // the most people first
	Last    int64              `json:"last,omitempty"`
}

// ColourChange is how many people's colour would change.
type ColourChange struct {
	From   string `json:"from"` // colours
	To     string `json:"to"`
	People int    `json:"people"`
}

// WhoAnswer tells whose key it is.
type WhoAnswer struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // as in SourceRequest
}

// ImportsAnswer lists the last files of a source, the newest first.
type ImportsAnswer struct {
	Imports []store.Import `json:"imports"`
}

// SourceRequest creates a source of records.
type SourceRequest struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "laboratory", "pcr-portal", "covid-19-centre" or "vaccination-register"
	// Code of its region; empty: the whole country.
	Region string `json:"region,omitempty"`
	// Positive results and contacts that count at once in an hour, and as many recovered and
	// vaccinated people. 0: 100 for a laboratory, 1,000 for the PCR portal, 300 for the Covid-19
	// centre, 15,000 for the vaccination register.
	Hourly int `json:"hourly,omitempty"`
}

// AccountRequest creates an account. Only what belongs to its role is there.
type AccountRequest struct {
	Name   string `json:"name"`
	Role   string `json:"role"`             // store.National, store.Regional, store.Owner or store.Staff
	Region string `json:"region,omitempty"` // an owner with one has only the venues there
	BIN    string `json:"bin,omitempty"`
	Venue  int64  `json:"venue,omitempty"` // id
	Hours  int    `json:"hours,omitempty"` // that staff's key works: 1 to 12; 0: 12
}

// AccountAnswer has the account's key, shown once.
type AccountAnswer struct {
	ID      int64     `json:"id"`
	Key     string    `json:"key"`
	Expires time.Time `json:"expires,omitzero"`
}

// AccountsAnswer lists 500 accounts at most, the newest first: of a role, and older than the one
// with an id, where the request says so. An account that has ended is listed for 30 days.
type AccountsAnswer struct {
	Accounts []store.Account `json:"accounts"`
}

// RevokeAccountRequest names an account.
type RevokeAccountRequest struct {
	ID int64 `json:"id"`
}

// NameRequest names a source.
type NameRequest struct {
	Name string `json:"name"`
}

// LimitRequest sets how many positive results and contacts of a source count at once in an hour,
// and how many recovered and vaccinated people. All others wait for the administrator.
type LimitRequest struct {
	Name   string `json:"name"`
	Hourly *int   `json:"hourly"` // 0: all wait
}

// DecideRequest decides on all records of a source that wait, up to the newest that the
// administrator has seen.
type DecideRequest struct {
	Name string `json:"name"`
	Last int64  `json:"last"` // store.SourceState.WaitingLast
}

// DecideAnswer tells how many records that were.
type DecideAnswer struct {
	Records int `json:"records"`
}

// WaitingAnswer says that a record was stored and counts only after the administrator has approved
// it.
type WaitingAnswer struct {
	Waiting bool   `json:"waiting"` // true
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// SourceAnswer is the source's key, shown once.
type SourceAnswer struct {
	Key string `json:"key"`
}

// SourcesAnswer lists sources by name. A regional administrator gets those of the own region, and
// no records.
type SourcesAnswer struct {
	Sources []store.SourceState   `json:"sources"`
	Waiting []store.WaitingRecord `json:"waiting"` // the newest first, at most 100
}

// EnrolCodesRequest makes a one-time code for each of the doors. An existing door gets a new code
// to enrol again with; its certificate stays valid until then.
type EnrolCodesRequest struct {
	Doors []EnrolDoor `json:"doors"` // at most 500
	WiFi  *api.WiFi   `json:"wifi,omitempty"`
	Days  int         `json:"days,omitempty"` // that the codes are valid for; 0: 14
}

// EnrolDoor is a door that will enrol.
type EnrolDoor struct {
	Name  string `json:"name"`
	Place int64  `json:"place,omitempty"` // id of its venue, which then gives kind and zone; 0: of no known venue
	Venue string `json:"venue,omitempty"` // kind
	Zone  string `json:"zone,omitempty"`  // "": green
	Way   string `json:"way,omitempty"`   // entry or exit; "": entry
	Ring  string `json:"ring,omitempty"`  // "": all
}

// OccupancyRequest corrects the number of people in a venue. One of the last three is set.
type OccupancyRequest struct {
	Venue   int64  `json:"venue"`
	Add     int64  `json:"add,omitempty"`     // people who came by another way; below 0: who left
	Inside  *int64 `json:"inside,omitempty"`  // somebody has counted them
	Empties *int64 `json:"empties,omitempty"` // when everybody has left, minutes after midnight; -1: never
}

// DeskAnswer is where the staff of a session work.
type DeskAnswer struct {
	Venue   store.Venue       `json:"venue"`
	Expires time.Time         `json:"expires,omitzero"` // of the session
	Hall    store.Hall        `json:"hall"`
	Checks  map[string]uint64 `json:"checks"` // by the staff, of the last 24 hours, as in api.Counts
}

// DeskRequest is what the staff's phone has read. It is decided about and not kept.
type DeskRequest struct {
	Code string `json:"code"`
}

// DeskDecision is what a door would show.
type DeskDecision struct {
	Decision
	Hall store.Hall `json:"hall"`
}

// EnrolCodesAnswer has one code for each door asked for, in their order.
type EnrolCodesAnswer struct {
	Codes []EnrolCode `json:"codes"`
}

// EnrolCode is printed or put on a card; it is shown only once.
type EnrolCode struct {
	Name    string    `json:"name"`
	Venue   string    `json:"venue"`
	Code    string    `json:"code"` // "AE1:..." as in package enrol
	Expires time.Time `json:"expires"`
}

// RegionRequest names a region.
type RegionRequest struct {
	Code string `json:"code"`
}

// RevokeDoorRequest names a door.
type RevokeDoorRequest struct {
	Name string `json:"name"`
}

// ApproveRequest names a door that asks to renew its expired certificate.
type ApproveRequest struct {
	Name string `json:"name"`
}

// Each request with a name in it composes the name.

func (q *ResultRequest) compose() {
	q.Sample = names.Compose(q.Sample)
	q.Signed.compose()
}

func (q *RecordsRequest) compose() {
	for i := range q.Records {
		q.Records[i].compose()
	}
	q.Signed.compose()
}

func (q *EntryRequest) compose() {
	q.Sample, q.Laboratory, q.IndexCase = names.Compose(q.Sample), names.Compose(q.Laboratory), names.Compose(q.IndexCase)
}

func (q *CorrectRequest) compose() {
	q.Target.compose()
	q.Next.compose()
}

func (q *Target) compose() {
	q.Sample, q.Person, q.Why = names.Compose(q.Sample), names.Compose(q.Person), names.Compose(q.Why)
}

func (q *WithdrawSourceRequest) compose() {
	q.Name, q.Person, q.Why = names.Compose(q.Name), names.Compose(q.Person), names.Compose(q.Why)
}

func (q *SettleRequest) compose()     { q.Person, q.Why = names.Compose(q.Person), names.Compose(q.Why) }
func (q *Signed) compose()            { q.Person = names.Compose(q.Person) }
func (q *SourceRequest) compose()     { q.Name = names.Compose(q.Name) }
func (q *AccountRequest) compose()    { q.Name = names.Compose(q.Name) }
func (q *NameRequest) compose()       { q.Name = names.Compose(q.Name) }
func (q *LimitRequest) compose()      { q.Name = names.Compose(q.Name) }
func (q *DecideRequest) compose()     { q.Name = names.Compose(q.Name) }
func (q *RevokeDoorRequest) compose() { q.Name = names.Compose(q.Name) }
func (q *ApproveRequest) compose()    { q.Name = names.Compose(q.Name) }

func (q *EnrolCodesRequest) compose() {
	for i := range q.Doors {
		q.Doors[i].Name = names.Compose(q.Doors[i].Name)
	}
}
