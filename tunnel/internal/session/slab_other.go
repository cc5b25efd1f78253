//go:build !linux

package session

import "errors"

func mapSlab(int) (slab []byte, free func(), err error) {
	return nil, nil, errors.ErrUnsupported
}
