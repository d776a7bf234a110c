package web

// OfficePages are the names of the pages behind a key, for the tests.
func OfficePages() (names []string) {
	for _, page := range office {
		names = append(names, page.Name)
	}
	return names
}
