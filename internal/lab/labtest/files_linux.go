package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

// OwnFiles gives the calling thread mounts that are private, with an empty /run and an /etc that is
// as it was, but its own: what a program writes there meets neither a parallel test nor this
// system. over are folders that hold an etc or a usr, as an unpacked package does: what is in them
// is seen in /etc and /usr as if it were installed.
func OwnFiles(over ...string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	// Containers mount a resolv.conf there, which an overlay does not see.
	servers, err := os.ReadFile(resolvconf.Path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := mountRun(); err != nil {
		return err
	}
	// What is written to /etc goes there, where nobody sees it once /run is mounted again.
	upper, work := "/run/upper", "/run/work"
	for _, dir := range []string{upper, work} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := mountOver("/etc", over, ",upperdir="+upper+",workdir="+work); err != nil {
		return err
	}
	if len(over) > 0 {
		if err := mountOver("/usr", over, ""); err != nil {
			return err
		}
	}
	if len(servers) > 0 {
		if err := os.Remove(resolvconf.Path); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.WriteFile(resolvconf.Path, servers, 0o644); err != nil {
			return err
		}
	}
	return mountRun()
}

func mountRun() error {
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	return nil
}

// mountOver lays the folders of the same name over one of the system's.
func mountOver(dir string, over []string, options string) error {
	lower := []string{}
	for _, o := range over {
		if _, err := os.Stat(filepath.Join(o, dir)); err == nil {
			lower = append(lower, filepath.Join(o, dir))
		}
	}
	lower = append(lower, dir)
	if err := unix.Mount("overlay", dir, "overlay", 0, "lowerdir="+strings.Join(lower, ":")+options); err != nil {
		return fmt.Errorf("an overlay on %s: %w", dir, err)
	}
	return nil
}
