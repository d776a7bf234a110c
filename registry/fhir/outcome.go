package fhir

// Outcome is an OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html), the answer to a
// message.
type Outcome struct {
	Type  string         `json:"resourceType"`
	Issue []OutcomeIssue `json:"issue"`
}

// OutcomeIssue tells about one result.
type OutcomeIssue struct {
	Severity    string   `json:"severity"` // error: not taken; information: taken
	Code        string   `json:"code"`
	Diagnostics string   `json:"diagnostics"`
	Expression  []string `json:"expression"`
}

// NewOutcome answers with what was not taken.
func NewOutcome(issues []Issue) Outcome {
	o := Outcome{Type: "OperationOutcome", Issue: []OutcomeIssue{}}
	for _, i := range issues {
		o.Issue = append(o.Issue, OutcomeIssue{"error", i.Code, i.Reason, []string{i.Path}})
	}
	return o
}

// Refused adds that a result was not taken. A conflict is with what the registry has already.
func (o *Outcome) Refused(path string, conflict bool, why string) {
	code := "value"
	if conflict {
		code = "conflict"
	}
	o.Issue = append(o.Issue, OutcomeIssue{"error", code, why, []string{path}})
}

// Taken adds that a result was taken, and what became of it.
func (o *Outcome) Taken(path, what string) {
	o.Issue = append(o.Issue, OutcomeIssue{"information", "informational", what, []string{path}})
}
