//go:build !linux

package lab

import (
	"context"
	"errors"
	"runtime"

	"github.com/arc4tun/arc4tun/internal/lab/link"
)

func newKernel(context.Context, link.Config, link.Config) (network, error) {
	return nil, errors.New(runtime.GOOS + " has no network namespaces")
}

func kernelWhy() string { return "" }
