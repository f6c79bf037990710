package collect

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// What is read of OTLP's protobuf is read by hand, field by field: the generated code is
// made ready at every start of gyoji, and few runs of it are servers. The tests compare it
// with that code.
// Source: opentelemetry-proto 1.11, logs/v1/logs.proto and common/v1/common.proto.

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

// each calls a function with each field of a number that holds a message or text.
func each(b []byte, number protowire.Number, f func([]byte) error) error {
	return fieldsOf(b, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
		if num != number || typ != protowire.BytesType {
			return nil
		}
		return f(data)
	})
}

// protobuf reads an ExportLogsServiceRequest.
func (o *otlpReader) protobuf(b []byte) error {
	return each(b, 1, func(logs []byte) error {
		o.left = otlpValues
		var attributes []otlpPair
		err := each(logs, 1, func(resource []byte) error {
			return each(resource, 1, func(b []byte) error { return o.pair(&attributes, b, 0) })
		})
		if err != nil {
			return err
		}
		o.resource(attributes)
		return each(logs, 2, func(b []byte) error {
			scope := ""
			err := each(b, 1, func(b []byte) error {
				return each(b, 1, func(b []byte) error {
					scope = string(b)
					return nil
				})
			})
			if err != nil {
				return err
			}
			return each(b, 2, func(b []byte) error {
				o.left = otlpValues
				var r otlpRecord
				if err := o.protoRecord(&r, b); err != nil {
					return err
				}
				return o.record(scope, &r)
			})
		})
	})
}

func (o *otlpReader) protoRecord(r *otlpRecord, b []byte) error {
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
			return o.protoValue(&r.Body, data, 0)
		case num == 6:
			return o.pair(&r.Attributes, data, 0)
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

func (o *otlpReader) pair(list *[]otlpPair, b []byte, depth int) error {
	if err := o.value(depth); err != nil {
		return err
	}
	var p otlpPair
	err := fieldsOf(b, func(num protowire.Number, typ protowire.Type, _ uint64, data []byte) error {
		switch {
		case typ != protowire.BytesType:
		case num == 1:
			p.Key = string(data)
		case num == 2:
			return o.protoValue(&p.Value, data, depth+1)
		}
		return nil
	})
	*list = append(*list, p)
	return err
}

func (o *otlpReader) protoValue(v *otlpValue, b []byte, depth int) error {
	if err := o.value(depth); err != nil {
		return err
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
			return each(data, 1, func(b []byte) error {
				var e otlpValue
				err := o.protoValue(&e, b, depth+1)
				v.list = append(v.list, e)
				return err
			})
		case num == 6 && typ == protowire.BytesType:
			if v.kind != 'k' {
				*v = otlpValue{kind: 'k'}
			}
			return each(data, 1, func(b []byte) error { return o.pair(&v.pairs, b, depth+1) })
		case num == 7 && typ == protowire.BytesType:
			*v = otlpValue{kind: 'x', text: string(data)}
		}
		return nil
	})
}
