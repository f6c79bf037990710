package collect

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// What is read of OTLP's protobuf is read by hand, field by field: the generated code is
// made ready at every start of gyoji, and few runs of it are servers. The tests compare it
// with that code.
// Source: opentelemetry-proto 1.11, logs/v1/logs.proto and common/v1/common.proto.

var errDeep = errors.New("values are nested too deeply")

// fieldsOf calls a function with each field of a message: a number for varints and fixed
// ones, bytes for the rest.
func fieldsOf(b []byte, each func(num protowire.Number, typ protowire.Type, n uint64, data []byte) error) error {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		var n uint64
		var data []byte
		switch typ {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, size = protowire.ConsumeFixed32(b)
			n = uint64(v)
		case protowire.Fixed64Type:
			n, size = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			data, size = protowire.ConsumeBytes(b)
		default: // groups are of no message here
			size = protowire.ConsumeFieldValue(num, typ, b)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if err := each(num, typ, n, data); err != nil {
			return err
		}
	}
	return nil
}

func (l *otlpLogs) protobuf(b []byte) error {
	return fieldsOf(b, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
		if num != 1 || typ != protowire.BytesType {
			return nil
		}
		var r otlpResource
		err := fieldsOf(data, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
			switch {
			case num == 1 && typ == protowire.BytesType:
				return fieldsOf(data, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
					if num != 1 || typ != protowire.BytesType {
						return nil
					}
					return addPair(&r.Attributes, data, 0)
				})
			case num == 2 && typ == protowire.BytesType:
				var s otlpScope
				if err := s.protobuf(data); err != nil {
					return err
				}
				r.Scopes = append(r.Scopes, s)
			}
			return nil
		})
		l.ResourceLogs = append(l.ResourceLogs, r)
		return err
	})
}

func (s *otlpScope) protobuf(b []byte) error {
	return fieldsOf(b, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
		if typ != protowire.BytesType {
			return nil
		}
		switch num {
		case 1:
			return fieldsOf(data, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
				if num == 1 && typ == protowire.BytesType {
					s.Name = string(data)
				}
				return nil
			})
		case 2:
			var r otlpRecord
			if err := r.protobuf(data); err != nil {
				return err
			}
			s.Records = append(s.Records, r)
		}
		return nil
	})
}

func (r *otlpRecord) protobuf(b []byte) error {
	return fieldsOf(b, func(num protowire.Number, typ protowire.Type, n uint64, data []byte) error {
		switch {
		case num == 1 && typ == protowire.Fixed64Type:
			r.Time = n
		case num == 11 && typ == protowire.Fixed64Type:
			r.Observed = n
		case num == 2 && typ == protowire.VarintType:
			r.Number = int64(int32(n))
		case typ != protowire.BytesType:
		case num == 3:
			r.Severity = string(data)
		case num == 5:
			return r.Body.protobuf(data, 0)
		case num == 6:
			return addPair(&r.Attributes, data, 0)
		case num == 9:
			r.Trace = data
		case num == 10:
			r.Span = data
		case num == 12:
			r.Event = string(data)
		}
		return nil
	})
}

func addPair(list *[]otlpPair, b []byte, depth int) error {
	var p otlpPair
	err := fieldsOf(b, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
		switch {
		case typ != protowire.BytesType:
		case num == 1:
			p.Key = string(data)
		case num == 2:
			return p.Value.protobuf(data, depth+1)
		}
		return nil
	})
	*list = append(*list, p)
	return err
}

func (v *otlpValue) protobuf(b []byte, depth int) error {
	if depth > otlpDepth {
		return errDeep
	}
	return fieldsOf(b, func(num protowire.Number, typ protowire.Type, n uint64, data []byte) error {
		switch {
		case num == 1 && typ == protowire.BytesType:
			*v = otlpValue{kind: 's', text: string(data)}
		case num == 2 && typ == protowire.VarintType:
			*v = otlpValue{kind: 'b'}
			if n != 0 {
				v.n = 1
			}
		case num == 3 && typ == protowire.VarintType:
			*v = otlpValue{kind: 'i', n: int64(n)}
		case num == 4 && typ == protowire.Fixed64Type:
			*v = otlpValue{kind: 'd', f: math.Float64frombits(n)}
		case num == 5 && typ == protowire.BytesType:
			if v.kind != 'a' {
				*v = otlpValue{kind: 'a'}
			}
			return fieldsOf(data, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
				if num != 1 || typ != protowire.BytesType {
					return nil
				}
				var e otlpValue
				if err := e.protobuf(data, depth+1); err != nil {
					return err
				}
				v.list = append(v.list, e)
				return nil
			})
		case num == 6 && typ == protowire.BytesType:
			if v.kind != 'k' {
				*v = otlpValue{kind: 'k'}
			}
			return fieldsOf(data, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
				if num != 1 || typ != protowire.BytesType {
					return nil
				}
				return addPair(&v.pairs, data, depth+1)
			})
		case num == 7 && typ == protowire.BytesType:
			*v = otlpValue{kind: 'x', text: string(data)}
		}
		return nil
	})
}
