//go:build !linux

package bugreport

import "errors"

func kernelNetwork() ([]byte, error) { return nil, errors.New("only Linux is asked") }
