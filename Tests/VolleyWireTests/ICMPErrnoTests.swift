import Testing
import VolleyCore
import VolleyWire

/// The error number of every type and code of both families, against the table measured on Linux 6.18.
@Suite struct ICMPErrnoTests {
    /// What Linux makes of a range of types and codes.
    struct Row: Sendable {
        let types: ClosedRange<Int>
        let codes: ClosedRange<Int>
        /// Name, number and whether it is hard; `nil` for what is ignored.
        let errno: (name: String, number: Int32, isHard: Bool)?

        init(
            _ types: ClosedRange<Int>, _ codes: ClosedRange<Int>, _ errno: (String, Int32, isHard: Bool)? = nil
        ) {
            (self.types, self.codes, self.errno) = (types, codes, errno)
        }
    }

    static let ipv4: [Row] = [
        Row(0...2, 0...255),
        Row(3...3, 0...0, ("ENETUNREACH", 101, isHard: false)),
        Row(3...3, 1...1, ("EHOSTUNREACH", 113, isHard: false)),
        Row(3...3, 2...2, ("ENOPROTOOPT", 92, isHard: true)),
        Row(3...3, 3...3, ("ECONNREFUSED", 111, isHard: true)),
        Row(3...3, 4...4, ("EMSGSIZE", 90, isHard: true)),
        Row(3...3, 5...5, ("EOPNOTSUPP", 95, isHard: false)),
        Row(3...3, 6...6, ("ENETUNREACH", 101, isHard: true)),
        Row(3...3, 7...7, ("EHOSTDOWN", 112, isHard: true)),
        Row(3...3, 8...8, ("ENONET", 64, isHard: true)),
        Row(3...3, 9...9, ("ENETUNREACH", 101, isHard: true)),
        Row(3...3, 10...10, ("EHOSTUNREACH", 113, isHard: true)),
        Row(3...3, 11...11, ("ENETUNREACH", 101, isHard: false)),
        Row(3...3, 12...12, ("EHOSTUNREACH", 113, isHard: false)),
        Row(3...3, 13...15, ("EHOSTUNREACH", 113, isHard: true)),
        Row(3...3, 16...255),
        Row(4...4, 0...255),
        Row(5...5, 0...255),
        Row(6...10, 0...255),
        Row(11...11, 0...0, ("EHOSTUNREACH", 113, isHard: false)),
        Row(11...11, 1...1),
        Row(11...11, 2...255, ("EHOSTUNREACH", 113, isHard: false)),
        Row(12...12, 0...255, ("EPROTO", 71, isHard: true)),
        Row(13...255, 0...255),
    ]

    static let ipv6: [Row] = [
        Row(0...0, 0...255, ("EPROTO", 71, isHard: false)),
        Row(1...1, 0...0, ("ENETUNREACH", 101, isHard: false)),
        Row(1...1, 1...1, ("EACCES", 13, isHard: true)),
        Row(1...1, 2...3, ("EHOSTUNREACH", 113, isHard: false)),
        Row(1...1, 4...4, ("ECONNREFUSED", 111, isHard: true)),
        Row(1...1, 5...6, ("EACCES", 13, isHard: true)),
        Row(1...1, 7...255, ("EPROTO", 71, isHard: true)),
        Row(2...2, 0...255, ("EMSGSIZE", 90, isHard: true)),
        Row(3...3, 0...255, ("EHOSTUNREACH", 113, isHard: false)),
        Row(4...4, 0...255, ("EPROTO", 71, isHard: true)),
        Row(5...127, 0...255, ("EPROTO", 71, isHard: false)),
        Row(128...136, 0...255),
        Row(137...137, 0...255),
        Row(138...255, 0...255),
    ]

    @Test(arguments: [(SocketAddress.Family.ipv4, ipv4), (.ipv6, ipv6)])
    func everyTypeAndCodeIsWhatTheTableSays(family: SocketAddress.Family, rows: [Row]) {
        var pairs = 0
        for row in rows {
            for type in row.types {
                for code in row.codes {
                    pairs += 1
                    let errno = ICMPErrno(family: family, type: UInt8(type), code: UInt8(code))
                    let isAsSaid =
                        errno?.rawValue == row.errno?.number && errno?.isHard == row.errno?.isHard
                        && errno?.name == row.errno?.name && errno?.isMessageSize == row.errno.map { $0.number == 90 }
                    if !isAsSaid {
                        Issue.record("\(family.rawValue): \(type)/\(code) gives \(String(describing: errno))")
                    }
                }
            }
        }
        #expect(pairs == 65_536)
    }

    @Test func otherFamiliesHaveNoErrors() {
        #expect(ICMPErrno(family: .unix, type: 3, code: 3) == nil)
        #expect(ICMPErrno(family: .unspecified, type: 1, code: 4) == nil)
    }
}
