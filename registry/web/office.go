package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"

	"ashyq-kiosk/registry/kinds"
)

// officePage is a page behind a key. What is inside the frame is in pages/NAME.html, its module in
// static/office/NAME.js, its words in static/office/NAME-texts.js.
type officePage struct {
	Name  string // its path without the slash
	Roles string // accounts that find it in the navigation, divided by spaces; empty: it is not in there
}

// office lists the pages in the order of the navigation.
var office = []officePage{
	{"admin", "national regional"},
	{"people", "national"},
	{"sources", "national"},
	{"places", "national regional"},
	{"doors", "national"},
	{"alerts", "national regional"},
	{"venue", "owner"},
	{"rules", "national"},
	{"records", "national"},
	{"updates", "national"},
	{"accounts", "national regional"},
	{"paper", ""},
	{"staff", ""},
	{"lab", ""},
}

// withoutNavigation is the page of sources: their keys open no other one.
const withoutNavigation = "lab"

// officeBody puts a page into the frame that all of them have.
func officeBody(page officePage, static string) []byte {
	frame := template.Must(template.New("frame").Parse(string(read("pages/frame.html"))))
	template.Must(frame.New("inside").Parse(string(read("pages/" + page.Name + ".html"))))
	template.Must(frame.New("hall").Parse(string(read("pages/hall.html")))) // two pages have it
	_, err := files.Open(officeDir + page.Name + ".css")
	data := struct {
		officePage
		Static     string
		Styled     bool
		Navigation []officePage
	}{page, static, err == nil, nil}
	if page.Name != withoutNavigation {
		data.Navigation = slices.DeleteFunc(slices.Clone(office), func(p officePage) bool { return p.Roles == "" })
	}
	var out bytes.Buffer
	if err := frame.Execute(&out, data); err != nil {
		panic("web: fill the frame of /" + page.Name + ": " + err.Error())
	}
	return out.Bytes()
}

// kindsModule is the table of package kinds as a module of JavaScript.
func kindsModule() []byte {
	venues, err := json.Marshal(kinds.Venues)
	if err != nil {
		panic("web: encode the kinds of venues: " + err.Error())
	}
	zones, err := json.Marshal(kinds.Zones)
	if err != nil {
		panic("web: encode the zones: " + err.Error())
	}
	return fmt.Appendf(nil, "export const venues = %s;\nexport const zones = %s;\n", venues, zones)
}
