package enrol

// SetTouched makes f run after each change of a file in the state directory.
func SetTouched(f func()) { touched = f }

// DeviceOf is Device with other files.
func DeviceOf(files ...string) string { return deviceOf(files) }
