package background

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// template is the unit whose instances are profiles.
const template = "arc4@.service"

// booted is there where systemd runs (sd_booted(3)).
const booted = "/run/systemd/system"

// unitDirs are where units are (systemd.unit(5)).
var unitDirs = []string{"/etc/systemd/system", booted, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// Unit is the service of a profile.
func Unit(name string) string { return strings.Replace(template, "@", "@"+name, 1) }

// Managed reports whether systemd runs a profile: where it is the system's manager and has the
// unit, for root, and for profiles that the unit finds in systemDir. A name that no instance of a
// unit can have is not.
func Managed(name, path, systemDir string) bool {
	if os.Geteuid() != 0 || filepath.Dir(path) != systemDir || strings.ContainsAny(name, "+=") {
		return false
	}
	if info, err := os.Stat(booted); err != nil || !info.IsDir() {
		return false
	}
	for _, dir := range unitDirs {
		if _, err := os.Stat(filepath.Join(dir, template)); err == nil {
			return true
		}
	}
	return false
}

// Systemctl runs systemctl for the unit of a profile, and gives what it said of a failure.
func Systemctl(verb, name string, flags ...string) (said string, err error) {
	out, err := exec.Command("systemctl", append([]string{verb, Unit(name)}, flags...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Active reports whether the unit of a profile is up, or is on its way.
func Active(name string) bool {
	out, _ := exec.Command("systemctl", "is-active", Unit(name)).Output() // the code says less than the word
	state := strings.TrimSpace(string(out))
	return state == "active" || state == "activating" || state == "reloading" || state == "deactivating"
}

// Failed reports whether the unit of a profile has failed.
func Failed(name string) bool {
	return exec.Command("systemctl", "is-failed", "--quiet", Unit(name)).Run() == nil
}

// ExitStatus is the exit code of the last run of a profile's unit; 0 if it is not known.
func ExitStatus(name string) int {
	out, err := exec.Command("systemctl", "show", "--property=ExecMainStatus", "--value", Unit(name)).Output()
	if err != nil {
		return 0
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return 0
	}
	return code
}

// LastJournalError is what the last run of a profile's unit said last of its own end; empty if it
// said nothing.
func LastJournalError(name, program string) string {
	out, err := exec.Command("journalctl", "--unit="+Unit(name), "--lines=20", "--output=cat", "--no-pager").Output()
	if err != nil {
		return ""
	}
	return lastError(bytes.NewReader(out), program)
}

// Journal is the command that shows the log of a profile's unit.
func Journal(name string, follow bool) *exec.Cmd {
	args := []string{"--unit=" + Unit(name), "--no-hostname"}
	if follow {
		args = append(args, "--follow")
	}
	return exec.Command("journalctl", args...)
}
