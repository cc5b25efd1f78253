package memory

import "os"

// Read asks the system.
func Read() Machine { return from(os.DirFS("/")) }

// Resident is what of this process is in memory, in bytes, and the most that has been; 0 if the
// system does not say.
func Resident() (now, peak uint64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	return parseStatus(text)
}
