import VolleyWire

/// One interface of a pcapng section.
struct CaptureInterface {
    let linkType: LinkType
    /// The most bytes captured of a packet; 0 for no limit.
    let snapLength: Int
    let resolution: TimestampResolution
    /// Nanoseconds in a unit of time, if that is a whole number and nothing is to be added; 0 otherwise.
    private let nanosecondsPerUnit: UInt64

    /// The interface an Interface Description Block describes; `body` is that block's body, at least 8 bytes.
    init(body: RawSpan, isBigEndian: Bool) {
        linkType = LinkType(rawValue: UInt32(body.fileOrder16(at: 0, isBigEndian: isBigEndian)))
        snapLength = Int(body.fileOrder32(at: 4, isBigEndian: isBigEndian))
        let options = body.extracting(8...)
        var resolution = TimestampResolution.microseconds
        OptionList.forEach(in: options, isBigEndian: isBigEndian) { code, value in
            switch code {
            case OptionCode.timestampResolution where value.count >= 1:
                resolution.setResolution(option: options.byte(at: value.lowerBound))
            case OptionCode.timestampOffset where value.count >= 8:
                resolution.offsetSeconds = Int64(
                    bitPattern: options.fileOrder64(at: value.lowerBound, isBigEndian: isBigEndian))
            default:
                break
            }
        }
        self.resolution = resolution
        nanosecondsPerUnit = resolution.nanosecondsPerUnit ?? 0
    }

    /// Nanoseconds since the epoch; most files get by with a multiplication.
    @inline(__always)
    func nanoseconds(_ units: UInt64) -> Int64 {
        let (product, overflow) = units.multipliedReportingOverflow(by: nanosecondsPerUnit)
        guard nanosecondsPerUnit != 0, !overflow, product <= UInt64(Int64.max) else {
            return resolution.nanoseconds(units)
        }
        return Int64(bitPattern: product)
    }
}
