package capturefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds of a pcapng file.
const (
	maxBlock      = 1 << 20 // bytes; the largest packet takes a quarter of it
	maxInterfaces = 4096    // of a section
)

// The blocks of pcapng that are handed on (draft-ietf-opsawg-pcapng, section 4), and the order mark
// of a section.
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockObsolete  = 2 // Packet Block
	blockSimple    = 3
	blockEnhanced  = 6
	orderMark      = 0x1A2B3C4D
	leastBlock     = 12 // type, length, length again
)

// blocks reads the blocks of a pcapng file and hands on those that matter here, whole and with
// lengths that hold, for the library makes room for what a length says. A file that ends within a
// block ends there.
type blocks struct {
	in         io.Reader
	order      binary.ByteOrder // nil before the first section
	interfaces int
	buf        []byte
	rest       []byte // of the block that is being handed on
}

// errBlock is what is wrong with a block.
var errBlock = errors.New("pcapng block")

// Read hands on what there is of one block.
func (b *blocks) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// next reads a block, which is in rest then if it is to be handed on.
func (b *blocks) next() error {
	if b.buf == nil {
		b.buf = make([]byte, maxBlock)
	}
	if _, err := io.ReadFull(b.in, b.buf[:leastBlock]); err != nil {
		return err // io.EOF between two blocks
	}
	kind := binary.BigEndian.Uint32(b.buf)
	if kind == blockSection { // which reads the same in both orders
		b.order, b.interfaces = binary.LittleEndian, 0
		if binary.BigEndian.Uint32(b.buf[8:]) == orderMark {
			b.order = binary.BigEndian
		}
	} else if b.order == nil {
		return fmt.Errorf("%w: the first is no section header", errBlock)
	} else {
		kind = b.order.Uint32(b.buf)
	}
	length := b.order.Uint32(b.buf[4:])
	if length < leastBlock || length%4 != 0 || length > maxBlock && kind <= blockEnhanced {
		return fmt.Errorf("%w: type %d of %d bytes: must be %d to %d", errBlock, kind, length, leastBlock, maxBlock)
	}
	if length > maxBlock {
		return ended(io.CopyN(io.Discard, b.in, int64(length)-leastBlock))
	}
	block := b.buf[:length]
	if err := ended(io.ReadFull(b.in, block[leastBlock:])); err != nil {
		return err
	}
	return b.check(kind, block)
}

// ended is the error of reading within a block: of a file's end the library would make the end
// between two blocks.
func ended[N int | int64](_ N, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrEnds
	}
	return err
}

// check has a block handed on if it is one of those that matter and its lengths hold.
func (b *blocks) check(kind uint32, block []byte) error {
	length := uint32(len(block))
	if again := b.order.Uint32(block[length-4:]); again != length {
		return fmt.Errorf("%w: type %d has %d bytes at its beginning and %d at its end", errBlock, kind, length, again)
	}
	switch kind {
	case blockSection:
		if length < 28 {
			return fmt.Errorf("%w: a section header of %d bytes", errBlock, length)
		}
	case blockInterface:
		if b.interfaces++; length < 20 || b.interfaces > maxInterfaces {
			return fmt.Errorf("%w: interface %d of a section, with %d bytes: at most %d can be read", errBlock, b.interfaces, length, maxInterfaces)
		}
		if b.order.Uint32(block[12:]) > MaxPacket {
			b.order.PutUint32(block[12:], MaxPacket)
		}
	case blockObsolete, blockEnhanced:
		if length < 32 || b.order.Uint32(block[20:]) > length-32 {
			return fmt.Errorf("%w: a packet that is longer than its block", errBlock)
		}
	case blockSimple:
		if length < 16 {
			return fmt.Errorf("%w: a packet without a length", errBlock)
		}
		// The library goes by the length that the packet had, and not by the block's.
		b.order.PutUint32(block[8:], min(b.order.Uint32(block[8:]), length-16))
	default:
		return nil
	}
	b.rest = block
	return nil
}
