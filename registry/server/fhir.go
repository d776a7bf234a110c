package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/fhir"
	"ashyq-kiosk/registry/store"
)

// fhir takes in the results of an HL7 FHIR message. One that cannot be used stops no other.
func (s *Server) fhir(r *http.Request, source store.Source) (any, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	results, issues := fhir.Parse(data)
	for i := range results {
		results[i].Sample, results[i].Why = names.Compose(results[i].Sample), names.Compose(results[i].Why)
	}
	outcome := fhir.NewOutcome(issues)
	taken := 0
	note := func(result fhir.Result, what string, err error) error {
		if err == nil {
			outcome.Taken(result.Path, what)
			taken++
			return nil
		}
		if wrong, ok := errors.AsType[*FieldError](err); ok {
			outcome.Refused(result.Path, false, wrong.Error()+": "+wrong.Hint)
			return nil
		}
		f := asFailure(noRecord(err))
		if f.code >= 500 || f.code == http.StatusUnauthorized || f.code == http.StatusForbidden {
			return f // about the message, not about this result
		}
		outcome.Refused(result.Path, f.code == http.StatusConflict, f.text+": "+f.hint)
		return nil
	}
	if err := s.fhirEntries(r.Context(), source, results, note); err != nil {
		return nil, err
	}
	for _, result := range results {
		if result.Action == fhir.Enter {
			continue
		}
		what, err := s.fhirChange(r.Context(), source, result)
		if err := note(result, what, err); err != nil {
			return nil, err
		}
	}
	s.publisher.poke()
	body, err := json.Marshal(outcome)
	if err != nil {
		return nil, err
	}
	answer := raw{kind: "application/fhir+json", cache: "no-store", data: body}
	if taken == 0 {
		return refusedAll{answer}, nil
	}
	return answer, nil
}

func fhirEntry(result fhir.Result) EntryRequest {
	return EntryRequest{IIN: result.IIN, Sample: result.Sample, Kind: string(result.Outcome), At: result.Taken}
}

// fhirEntries enters the new results in one transaction.
func (s *Server) fhirEntries(
	ctx context.Context, source store.Source, results []fhir.Result, note func(fhir.Result, string, error) error,
) error {
	var entries []EntryRequest
	var of []fhir.Result
	for _, result := range results {
		if result.Action == fhir.Enter {
			entries, of = append(entries, fhirEntry(result)), append(of, result)
		}
	}
	outcomes, err := s.enter(ctx, source, entries, Signed{})
	if err != nil {
		return err
	}
	for i, to := range outcomes {
		if err := note(of[i], became(to), to.Err); err != nil {
			return err
		}
	}
	return nil
}

func became(to store.Outcome) string {
	switch {
	case to.Waits:
		return "stored, and waiting for the registry's administrator"
	case to.Known:
		return "known already, nothing was changed"
	}
	return "entered"
}

// fhirChange corrects or withdraws what the sample had. A correction of a sample that was never
// sent enters it.
func (s *Server) fhirChange(ctx context.Context, source store.Source, result fhir.Result) (string, error) {
	by, why := store.Actor{Source: source.ID, Person: source.Name}, result.Why
	if why == "" {
		why = string(result.Action) + " by an HL7 FHIR message"
	}
	id, err := s.opt.Store.RecordOf(ctx, source.ID, result.Sample)
	if result.Action == fhir.Withdraw {
		if err != nil {
			return "", err
		}
		before, _, err := s.opt.Store.EntryOf(ctx, by, id)
		if err == nil && string(before.IIN) != result.IIN {
			err = store.ErrConflict
		}
		if err != nil {
			return "", err
		}
		return "withdrawn", s.opt.Store.Withdraw(ctx, by, id, why, now())
	}
	if errors.Is(err, store.ErrNotFound) {
		outcomes, err := s.enter(ctx, source, []EntryRequest{fhirEntry(result)}, Signed{})
		if err != nil {
			return "", err
		}
		return became(outcomes[0]), outcomes[0].Err
	}
	if err != nil {
		return "", err
	}
	next, wrong := fhirEntry(result).check(source.Kind, now())
	if wrong != nil {
		return "", wrong
	}
	to, err := s.opt.Store.Correct(ctx, by, id, next, why, now())
	if errors.Is(err, store.ErrUnchanged) {
		return "known already, nothing was changed", nil
	}
	if err != nil || to.Known || to.Waits {
		return became(to), err
	}
	return "corrected", nil
}
