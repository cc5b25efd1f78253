package mppe

// EncryptStats counts what an Encrypter has done.
type EncryptStats struct {
	Packets uint64 // packets encrypted
	Bytes   uint64 // bytes encrypted, without the MPPE headers
	Rekeys  uint64 // key changes
	Resets  uint64 // stateful: packets that answered a Reset-Request with the FLUSHED bit
}

// DecryptStats counts what a Decrypter has done and refused.
type DecryptStats struct {
	Packets      uint64 // packets decrypted
	Bytes        uint64 // bytes decrypted, without the MPPE headers
	Truncated    uint64 // ErrTruncated
	NotEncrypted uint64 // ErrNotEncrypted
	NotFlushed   uint64 // ErrNotFlushed
	Duplicated   uint64 // ErrDuplicate
	Late         uint64 // ErrLate
	Implausible  uint64 // ErrImplausible
	OutOfRange   uint64 // ErrOutOfRange
	Discarded    uint64 // ErrNeedReset
	Rekeys       uint64 // keys derived, also those for packets that turned out to be forged
	Resyncs      uint64 // outages that were recovered from: stateless beyond the look-ahead, stateful by a FLUSHED packet
	Resets       uint64 // stateful: how often packets were found to be lost or forged, after which only a FLUSHED packet helps
}

// refused counts a packet that nothing came out of, or nothing if err is nil.
func (s *DecryptStats) refused(err error) {
	switch err {
	case ErrTruncated:
		s.Truncated++
	case ErrNotEncrypted:
		s.NotEncrypted++
	case ErrNotFlushed:
		s.NotFlushed++
	case ErrDuplicate:
		s.Duplicated++
	case ErrLate:
		s.Late++
	case ErrImplausible:
		s.Implausible++
	case ErrOutOfRange:
		s.OutOfRange++
	case ErrNeedReset:
		s.Discarded++
	}
}
