//go:build !linux

package backendcache

import (
	"errors"
	"runtime"
)

// processor would be the identity of this machine's processors.
func processor() (string, error) { return "", errors.New("only Linux names its processor") }

func kernelArchitecture() (string, error) { return runtime.GOARCH, nil }
