package main

import (
	"fmt"
	"strconv"
	"strings"
)

// probes are microseconds for which a right and a wrong usleep differ.
var probes = []uint64{0, 1, 20, 999, 1000, 10_000, 999_999, 1_000_000, 1_000_001, 2_500_000, 60_123_456, 1<<32 - 1}

// sleepsRight reports whether usleep's instructions hand the right time to nanosleep. They are
// executed for each of the probes.
func sleepsRight(code []string, word wordSize) (bool, error) {
	right := true
	for _, usec := range probes {
		p := processor{word: word, usec: usec, registers: map[string]uint64{"R0": 0, "R29": 0}, stack: map[uint64]uint64{}}
		seconds, nanoseconds, err := p.nanosleep(code)
		if err != nil {
			return false, err
		}
		if seconds != usec/1_000_000 || nanoseconds != usec%1_000_000*1000 {
			right = false
		}
	}
	return right, nil
}

// processor executes the few instructions that usleep is made of. R29, the stack pointer, is 0.
type processor struct {
	word      wordSize
	usec      uint64 // the argument
	registers map[string]uint64
	stack     map[uint64]uint64
	number    string // of the system call, by its name, while it is in R2
}

// nanosleep executes the code up to its system call, and returns what is given to that.
func (p *processor) nanosleep(code []string) (seconds, nanoseconds uint64, err error) {
	for _, instruction := range code {
		if instruction == "SYSCALL" {
			break
		}
		if err := p.execute(instruction); err != nil {
			return 0, 0, fmt.Errorf("usleep: %q: %w", instruction, err)
		}
	}
	if p.number != "$SYS_nanosleep" {
		return 0, 0, fmt.Errorf("usleep: calls %q and not nanosleep", p.number)
	}
	at := p.registers["R4"]
	seconds, stored := p.stack[at]
	nanoseconds, also := p.stack[at+uint64(p.word)]
	if !stored || !also {
		return 0, 0, fmt.Errorf("usleep: gives nanosleep %d(R29), where nothing was stored", at)
	}
	return seconds, nanoseconds, nil
}

// execute executes one instruction, "OPERATION source, ..., destination".
func (p *processor) execute(instruction string) error {
	operation, rest, _ := strings.Cut(instruction, " ")
	operands := strings.Split(rest, ", ")
	last := operands[len(operands)-1]
	if last == "R2" && strings.HasPrefix(operands[0], "$SYS_") {
		p.number = operands[0]
		return nil
	}
	values := make([]uint64, 0, 3)
	sources := operands[:len(operands)-1]
	if len(operands) == 2 && !strings.HasPrefix(operation, "MOV") {
		sources = []string{last, operands[0]} // OP a, b is b = b OP a
	} else if len(operands) == 3 {
		sources = []string{operands[1], operands[0]}
	}
	for _, source := range sources {
		value, err := p.value(source)
		if err != nil {
			return err
		}
		values = append(values, value)
	}
	result, err := p.result(operation, values)
	if err != nil || operation[:3] == "DIV" || operation[:3] == "MUL" {
		return err // these go to HI and LO
	}
	return p.store(last, result)
}

// result does the arithmetic of an operation.
func (p *processor) result(operation string, v []uint64) (uint64, error) {
	shape := fmt.Sprint(operation, "/", len(v))
	switch shape {
	case "MOVW/1", "MOVWU/1", "MOVV/1":
		return v[0], nil
	case "ADDU/2", "ADDV/2", "ADDVU/2":
		return p.cut(v[0] + v[1]), nil
	case "SUBU/2", "SUBV/2", "SUBVU/2":
		return p.cut(v[0] - v[1]), nil
	case "MULU/2", "MULVU/2":
		p.registers["LO"] = p.cut(v[0] * v[1])
		delete(p.registers, "HI")
		return 0, nil
	case "DIVU/2", "DIVVU/2":
		if v[1] == 0 {
			return 0, fmt.Errorf("divides by zero")
		}
		p.registers["LO"], p.registers["HI"] = v[0]/v[1], v[0]%v[1]
		return 0, nil
	}
	return 0, fmt.Errorf("an instruction that is not known")
}

// cut leaves what fits into a register.
func (p *processor) cut(value uint64) uint64 {
	if p.word == word32 {
		return uint64(uint32(value))
	}
	return value
}

// value is that of a source: the argument, a constant, a register or a place on the stack.
func (p *processor) value(source string) (uint64, error) {
	if source == "usec+0(FP)" {
		return p.usec, nil
	}
	if constant, is := strings.CutPrefix(source, "$"); is {
		return strconv.ParseUint(constant, 0, 32)
	}
	if offset, on := strings.CutSuffix(source, "(R29)"); on {
		at, err := strconv.ParseUint(offset, 0, 16)
		if err != nil {
			return 0, err
		}
		value, there := p.stack[at]
		if !there {
			return 0, fmt.Errorf("reads %s, where nothing was stored", source)
		}
		return value, nil
	}
	value, there := p.registers[source]
	if !there {
		return 0, fmt.Errorf("reads %q, which has no known value", source)
	}
	return value, nil
}

// store puts a value into a register or on the stack.
func (p *processor) store(destination string, value uint64) error {
	if offset, on := strings.CutSuffix(destination, "(R29)"); on {
		at, err := strconv.ParseUint(offset, 0, 16)
		if err != nil {
			return err
		}
		p.stack[at] = value
		return nil
	}
	if number, is := strings.CutPrefix(destination, "R"); is {
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n < 29 {
			p.registers[destination] = value
			return nil
		}
	}
	return fmt.Errorf("stores to %q, which is not known", destination)
}
