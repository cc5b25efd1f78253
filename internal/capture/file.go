package capture

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/internal/capturefile"
)

// create makes the file of a capture, for its owner alone. One that is there is written over only
// if it is a capture of this program's that this user owns and nobody is writing: what a wrong name
// would cost is lost for good. A symbolic link is not followed.
func create(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return reuse(path)
	}
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		file.Close()
		return nil, inUse(path)
	}
	return file, nil
}

func inUse(path string) error {
	return fmt.Errorf("%s is being written by another capture: give another name", path)
}

// reuse opens a file that is there, and empties it if it may be.
func reuse(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: give the name of one, or of one that is not there", path)
	}
	file, err := os.OpenFile(path, os.O_RDWR|noFollow, 0)
	if err != nil {
		return nil, err
	}
	if err := empty(file, path); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// empty empties a file after all questions have been asked of what was opened, not of a name.
func empty(file *os.File, path string) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !ownAlone(info) {
		return fmt.Errorf("%s belongs to another user, or has other names: give another name, or remove it", path)
	}
	if err := lock(file); err != nil {
		return inUse(path)
	}
	if info.Size() > 0 && !isOurs(file) {
		return fmt.Errorf("%s is there, and is no capture of this program: give another name, or remove it", path)
	}
	if err := file.Chmod(0o600); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}

// isOurs reports whether a file begins as this program's captures do. What arc4 decrypt has written
// does not: its interfaces have other names.
func isOurs(f io.Reader) bool {
	r, err := capturefile.NewReader(f)
	if err != nil || !ofThisProgram(r) {
		return false
	}
	_, _ = r.Next() // one that has just begun has interfaces and no packet
	return slices.Contains(interfaceNames[:], r.Interface())
}

func ofThisProgram(r *capturefile.Reader) bool {
	name, _, _ := strings.Cut(r.Application(), " ")
	return name == application
}

// shift moves the files of a ring on by one, so that the first name is free: PATH becomes PATH.1.
func shift(path string, files int) error {
	name := func(i int) string {
		if i == 0 {
			return path
		}
		return fmt.Sprintf("%s.%d", path, i)
	}
	for i := files - 1; i > 0; i-- {
		if err := mayReplace(name(i)); err != nil {
			return err
		}
		if err := os.Rename(name(i-1), name(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// mayReplace refuses to replace by a file of the ring what is none.
func mayReplace(path string) error {
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > 0 && !isOurs(file) {
		return fmt.Errorf("%s is there, and is no capture of this program", path)
	}
	return nil
}
