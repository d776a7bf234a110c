package fhir

import "ashyq-kiosk/registry/pcr"

// The URIs of code systems, and how real systems write them besides.
var (
	loincSystems = map[string]bool{"http://loinc.org": true, "https://loinc.org": true,
		"urn:oid:2.16.840.1.113883.6.1": true, "LN": true}
	snomedSystems = map[string]bool{"http://snomed.info/sct": true, "https://snomed.info/sct": true,
		"urn:oid:2.16.840.1.113883.6.96": true, "SCT": true}
)

// about is what a test is about.
type about int

const (
	other  about = iota // not a test that is known here
	virus               // presence of the virus' RNA
	gene                // presence of one of its genes
	noPCR               // SARS-CoV-2, but another method
	amount              // how much of it, or a cycle threshold: no outcome
)

// loinc lists LOINC's terms about SARS-CoV-2 by nucleic acid amplification (NAA) that ask for
// presence (property PrThr), out of its group "SARS-CoV-2 and COVID-19"
// (https://loinc.org/sars-cov-2-and-covid-19/), and those that laboratories send in their place.
// Terms about SARS-related coronaviruses (94502-2, 94758-0 ...) are not in it: they also find the
// virus of 2003.
var loinc = map[string]about{
	"94500-6": virus, // respiratory specimen, NAA with probe detection
	"94309-2": virus, // specimen
	"94759-8": virus, // nasopharynx
	"95406-5": virus, // nose
	"94845-5": virus, // saliva
	"96797-6": virus, // oropharyngeal wash
	"94660-8": virus, // serum or plasma
	"94565-9": virus, // nasopharynx, NAA with non-probe detection
	"95608-6": virus, // respiratory specimen, NAA with non-probe detection
	"95424-8": virus, // respiratory specimen, sequencing
	"94822-4": virus, // saliva, sequencing
	"94531-1": virus, // panel, respiratory specimen: where it has a value of its own
	"94306-8": virus, // panel, specimen
	"95826-4": virus, // panel, saliva
	"96897-4": virus, // panel, oropharyngeal wash

	"94533-7": gene, // N, respiratory specimen
	"94756-4": gene, // N1, respiratory specimen
	"94757-2": gene, // N2, respiratory specimen
	"94760-6": gene, // N, nasopharynx
	"95409-9": gene, // N, nose
	"96986-5": gene, // N, nose, non-probe
	"95425-5": gene, // N, saliva
	"96448-6": gene, // N1, saliva
	"96958-4": gene, // N2, saliva
	"94766-3": gene, // N, serum or plasma
	"94316-7": gene, // N, specimen
	"94307-6": gene, // N1, specimen
	"94308-4": gene, // N2, specimen
	"94534-5": gene, // RdRp, respiratory specimen
	"96120-1": gene, // RdRp, lower respiratory specimen
	"96123-5": gene, // RdRp, upper respiratory specimen
	"96091-4": gene, // RdRp, saliva
	"94314-2": gene, // RdRp, specimen
	"94559-2": gene, // ORF1ab, respiratory specimen
	"95824-9": gene, // ORF1ab, saliva
	"94639-2": gene, // ORF1ab, specimen
	"98132-4": gene, // ORF1a, respiratory specimen
	"98494-8": gene, // ORF1a, saliva
	"98131-6": gene, // ORF1b, respiratory specimen
	"98493-0": gene, // ORF1b, saliva
	"94640-0": gene, // S, respiratory specimen
	"96765-3": gene, // S, saliva
	"94767-1": gene, // S, serum or plasma
	"94641-8": gene, // S, specimen
	"96763-8": gene, // E, respiratory specimen
	"96957-6": gene, // M, upper respiratory specimen
	"97098-8": gene, // Nsp2, upper respiratory specimen

	"94558-4": noPCR, // antigen, respiratory specimen, rapid immunoassay
	"95209-3": noPCR, // antigen, respiratory specimen, rapid immunoassay, SARS-CoV and SARS-CoV-2
	"96119-3": noPCR, // antigen, upper respiratory specimen, immunoassay
	"97097-0": noPCR, // antigen, upper respiratory specimen, rapid immunoassay
	"94507-1": noPCR, // antibodies (IgG)
	"94508-9": noPCR, // antibodies (IgM)
	"94562-6": noPCR, // antibodies (IgA)
	"94563-4": noPCR, // antibodies (IgG)
	"94564-2": noPCR, // antibodies (IgM)
	"94762-2": noPCR, // antibodies
	"94661-6": noPCR, // antibodies, interpretation
	"94763-0": noPCR, // culture

	"94745-7": amount, // cycle threshold, respiratory specimen
	"94746-5": amount, // cycle threshold, specimen
	"94819-0": amount, // viral load
}

// snomed lists the concepts of SNOMED CT that say an outcome. What a person has to look at again is
// inconclusive.
var snomed = map[string]pcr.Outcome{
	"10828004":         pcr.Positive,     // positive
	"260373001":        pcr.Positive,     // detected
	"52101004":         pcr.Positive,     // present
	"1240581000000104": pcr.Positive,     // detection result positive (UK)
	"260385009":        pcr.Negative,     // negative
	"260415000":        pcr.Negative,     // not detected
	"2667000":          pcr.Negative,     // absent
	"1240591000000102": pcr.Negative,     // detection result negative (UK)
	"419984006":        pcr.Inconclusive, // inconclusive
	"82334004":         pcr.Inconclusive, // indeterminate
	"42425007":         pcr.Inconclusive, // equivocal
	"720735008":        pcr.Inconclusive, // presumptive positive
	"455371000124106":  pcr.Inconclusive, // invalid result
	"125154007":        pcr.Inconclusive, // specimen unsatisfactory for evaluation
	"1321681000000104": pcr.Inconclusive, // detection result equivocal (UK)
}

// interpretations are those of http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation
// that say an outcome. "A" (abnormal) and "N" (normal) do not.
var interpretations = map[string]pcr.Outcome{
	"POS": pcr.Positive, "DET": pcr.Positive,
	"NEG": pcr.Negative, "ND": pcr.Negative,
	"IND": pcr.Inconclusive, "E": pcr.Inconclusive,
}

// actions are those of http://hl7.org/fhir/observation-status, and appended of a report's status.
var actions = map[string]Action{
	"final": Enter, "amended": Correct, "corrected": Correct, "appended": Correct, "entered-in-error": Withdraw,
}
