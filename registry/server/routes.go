package server

import (
	"net/http"
	"slices"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/store"
)

// Bytes of a body, at most.
const small, large = 16 << 10, 1 << 20

func (s *Server) routes() {
	for _, r := range s.doorRoutes() {
		s.doors.Handle(r.path, s.serve(r))
		s.all.Handle(r.path, s.serve(r))
	}
	for _, r := range s.pageRoutes() {
		s.all.Handle(r.path, s.serve(r))
	}
	missing := s.serve(route{path: "/", answer: func(*http.Request) (any, error) {
		return nil, &failure{http.StatusNotFound, "no such path", "the interface is under /v1/; this address may be the one for doors only", nil}
	}})
	s.all.Handle("/", missing)
	s.doors.Handle("/", missing)
}

// pageRoutes are all but the doors'.
func (s *Server) pageRoutes() []route {
	return slices.Concat(s.publicRoutes(), s.accountRoutes(), s.rulesRoutes(), s.adminRoutes(), s.regionRoutes())
}

func (s *Server) doorRoutes() []route {
	return []route{
		{http.MethodGet, api.PathManifest, 0, s.manifest},
		{http.MethodGet, api.PathBlob + "/{hash}", 0, s.blob},
		{http.MethodPost, api.PathCheck, small, s.byDoor(s.check)},
		{http.MethodPost, api.PathCounts, small, s.byDoor(s.counts)},
		{http.MethodPost, api.PathPlaces, small, s.byDoor(s.giveSeats)},
		{http.MethodPost, api.PathVisits, small, s.byDoor(s.visits)},
		{http.MethodPost, api.PathEnrol, small, s.enrol},
		{http.MethodPost, api.PathRenew, small, s.renew},
		{http.MethodGet, api.PathUpdate, 0, s.byDoor(s.update)},
		{http.MethodGet, api.PathDoorKeys, 0, s.byDoor(s.doorKeys)},
		{http.MethodPost, api.PathHello, 2 << 10, s.byDoor(s.hello)},
		{http.MethodGet, api.PathBundle + "/{name}", 0, s.bundle},
		{http.MethodGet, "/healthz", 0, s.health},
	}
}

// publicRoutes are those of citizens and of sources.
func (s *Server) publicRoutes() []route {
	return []route{
		{http.MethodPost, PathActivate, small, s.activate},
		{"", PathSignIn, small, s.signInByMethod},
		{http.MethodPost, PathSignInCode, small, s.signInCode},
		{http.MethodPost, PathTopUp, small, s.topUp},
		{http.MethodPost, PathPhones, small, s.byPhone(s.ownPhones)},
		{http.MethodPost, PathRemovePhone, small, s.byPhone(s.removePhone)},
		{http.MethodPost, PathMove, small, s.byPhone(s.moveCode)},
		{http.MethodPost, PathOwnHistory, small, s.byPhone(s.ownHistory)},
		{http.MethodPost, PathSelf, small, s.self},
		{http.MethodPost, PathDispute, small, s.byPhone(s.dispute)},
		{http.MethodPost, PathResults, small, s.bySource(s.results, Laboratory, PCRPortal)},
		{http.MethodPost, PathContacts, small, s.bySource(s.contacts, Covid19Centre)},
		{http.MethodPost, PathRecords, large, s.bySource(s.records)},
		{http.MethodPost, PathCorrect, small, s.byActor(s.correct)},
		{http.MethodPost, PathWithdraw, small, s.byActor(s.withdraw)},
		{http.MethodGet, PathToday, 0, s.bySource(s.today)},
		{http.MethodGet, PathWho, 0, s.bySource(s.who)},
		{"", PathImports, csvfile.MaxBytes, s.bySource(s.importsByMethod, Laboratory, PCRPortal, Covid19Centre)},
		{http.MethodGet, PathImports + "/{id}", 0, s.bySource(s.importOf, Laboratory, PCRPortal, Covid19Centre)},
		{http.MethodGet, PathImports + "/{id}/refused.csv", 0, s.bySource(s.refusedRows, Laboratory, PCRPortal, Covid19Centre)},
		{http.MethodPost, PathFHIR, 8 << 20, s.bySource(s.fhir, Laboratory, PCRPortal)},
	}
}

// accountRoutes are those of people who work with the registry, each with some of the roles.
func (s *Server) accountRoutes() []route {
	return []route{
		{http.MethodGet, PathMe, 0, s.byAccount(s.me)},
		{"", PathAccounts, small, s.byAccount(s.accounts, store.National, store.Regional, store.Owner)},
		{http.MethodPost, PathRevokeAccount, small, s.byAccount(s.revokeAccount, store.National, store.Regional, store.Owner)},
		{"", PathOccupancy, small, s.byAccount(s.occupancy)},
		{"", PathDesk, small, s.byAccount(s.deskByMethod, store.Staff)},
	}
}

// rulesRoutes are those of national administrators about the rules of entry.
func (s *Server) rulesRoutes() []route {
	return []route{
		{"", PathRules, large, s.byAccount(s.rulesByMethod, store.National)},
		{http.MethodGet, PathRulesVersions, 0, s.byAdmin(s.rulesVersions)},
		{http.MethodGet, PathRulesVersions + "/{version}", 0, s.byAdmin(s.rulesVersion)},
		{http.MethodGet, PathRulesCompare, 0, s.byAdmin(s.compareRules)},
		{http.MethodPost, PathRulesCheck, large, s.byAdmin(s.checkRules)},
		{http.MethodPost, PathRulesPreview, large, s.byAdmin(s.previewRules)},
		{http.MethodPost, PathPublishRules, small, s.byAccount(s.publishRules, store.National)},
		{http.MethodPost, PathRollBackRules, small, s.byAccount(s.rollBackRules, store.National)},
	}
}

// adminRoutes are those of national administrators.
func (s *Server) adminRoutes() []route {
	return []route{
		{http.MethodPost, PathHistory, small, s.byAdmin(s.history)},
		{http.MethodGet, PathCases, 0, s.byAdmin(s.cases)},
		{http.MethodPost, PathSettle, small, s.byAdmin(s.settle)},
		{http.MethodPost, PathCitizens, small, s.byAdmin(s.citizens)},
		{http.MethodPost, PathPaper, small, s.byAdmin(s.paper)},
		{http.MethodPost, PathRevoke, small, s.byAdmin(s.revoke)},
		{http.MethodPost, PathSuspend, small, s.byAdmin(s.suspend)},
		{http.MethodPost, PathResume, small, s.byAdmin(s.resume)},
		{http.MethodPost, PathWithdrawSource, small, s.byAdmin(s.withdrawSource)},
		{http.MethodPost, PathSuspendSource, small, s.byAdmin(s.byName(s.suspendSource))},
		{http.MethodPost, PathResumeSource, small, s.byAdmin(s.byName(s.resumeSource))},
		{http.MethodPost, PathRotateSource, small, s.byAdmin(s.byName(s.rotateSource))},
		{http.MethodPost, PathRevokeSource, small, s.byAdmin(s.byName(s.revokeSource))},
		{http.MethodPost, PathLimitSource, small, s.byAdmin(s.limitSource)},
		{http.MethodPost, PathApprove, small, s.byAdmin(s.decided(s.opt.Store.ApproveWaiting))},
		{http.MethodPost, PathDiscard, small, s.byAdmin(s.decided(s.opt.Store.DiscardWaiting))},
		{"", PathRegions, large, getOrPut(s.byAccount(s.regions), s.byAdmin(s.putRegions))},
		{http.MethodPost, PathRemoveRegion, small, s.byAdmin(s.removeRegion)},
		{"", PathVenues, large, getOrPut(s.byRegion(s.venues), s.byAdmin(s.putVenues))},
		{http.MethodPost, PathRestored, small, s.byAdmin(s.restored)},
		{http.MethodPost, PathEnrolCodes, maxOrder, s.byAdmin(s.enrolCodes)},
		{"", PathReleases, small, s.byAdmin(getOrPost(s.listReleases, s.releases))},
	}
}

// regionRoutes are those of administrators: a regional one gets what belongs to its region.
func (s *Server) regionRoutes() []route {
	return []route{
		{http.MethodGet, PathOverview, 0, s.byRegion(s.overview)},
		{http.MethodGet, PathOverviewVenues, 0, s.byRegion(s.overviewVenues)},
		{http.MethodGet, PathDoors, 0, s.byRegion(s.overviewDoors)},
		{http.MethodGet, PathDoors + "/{id}", 0, s.byRegion(s.doorDetail)},
		{http.MethodGet, PathDoors + "/{id}/keys", 0, s.byRegion(s.doorKeysFor)},
		{"", PathSources, small, getOrPost(s.byRegion(s.listSources), s.byAdmin(s.sources))},
		{http.MethodPost, PathVenueImport, maxVenueFile, s.byRegion(s.importVenues)},
		{http.MethodPost, PathSaveVenue, small, s.byRegion(s.saveVenue)},
		{http.MethodGet, PathVenueDoors, 0, s.byRegion(s.venueDoors)},
		{http.MethodPost, PathSheets, small, s.byRegion(s.sheets)},
		{http.MethodPost, PathReplaceDoor, small, s.byRegion(s.replaceDoor)},
		{http.MethodPost, PathRevokeDoor, small, s.byRegion(s.revokeDoor)},
		{http.MethodPost, PathApproveDoor, small, s.byRegion(s.approve)},
		{"", PathAlerts, small, s.byRegion(s.alertsByMethod)},
		{http.MethodPost, PathRemoveRecipient, small, s.byRegion(s.removeRecipient)},
		{http.MethodPost, PathTestRecipient, small, s.byRegion(s.testRecipient)},

		{http.MethodGet, PathOwn, 0, s.byAccount(s.own, store.Owner)},
		{http.MethodGet, PathOwnVenue, 0, s.byAccount(s.ownVenue, store.Owner)},
	}
}
