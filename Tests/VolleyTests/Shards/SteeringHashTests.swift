import Testing
import VolleyCore

@testable import Volley

/// The function itself, without sockets: what it promises is true of it for ever, since it has no secret.
@Suite struct SteeringHashTests {
    private func spread(_ sources: [SocketAddress], _ count: Int, _ steering: ShardSteering = .sourceHash) -> [Int] {
        var counts = [Int](repeating: 0, count: count)
        for source in sources {
            guard let shard = steering.shard(for: source, count: count, active: Array(0..<count)) else { continue }
            counts[shard] += 1
        }
        return counts
    }

    /// 1024 sources of each kind that services meet.
    private static let populations: [(name: String, sources: [SocketAddress])] = [
        ("consecutive ports", (0..<1024).map { SocketAddress(.loopbackV4, port: UInt16(32_768 + $0)) }),
        ("even ports", (0..<1024).map { SocketAddress(.loopbackV4, port: UInt16(32_768 + 2 * $0)) }),
        ("ports 256 apart", (0..<256).map { SocketAddress(.loopbackV4, port: UInt16(256 * $0)) }),
        ("consecutive IPv4", (0..<1024).map { SocketAddress(IPAddress(v4: 0x0a00_0000 + UInt32($0)), port: 514) }),
        ("IPv4 networks", (0..<256).map { SocketAddress(IPAddress(v4: 0x0a00_0001 + UInt32($0) << 16), port: 53) }),
        (
            "consecutive IPv6",
            (0..<1024).map { SocketAddress(IPAddress(v6High: 0x2001_0db8_0000_0000, low: UInt64($0)), port: 53) }
        ),
        (
            "IPv6 networks",
            (0..<1024).map { SocketAddress(IPAddress(v6High: 0x2001_0db8_0000_0000 + UInt64($0), low: 1), port: 53) }
        ),
        ("IPv6 ports", (0..<1024).map { SocketAddress(.loopbackV6, port: UInt16(40_000 + $0)) }),
    ]

    @Test("sources of every kind spread within a third of even", arguments: populations.indices, [2, 3, 4, 7, 8])
    func spreads(population: Int, count: Int) {
        let (name, sources) = Self.populations[population]
        let counts = spread(sources, count)
        let even = sources.count / count
        // Chance alone gives a standard deviation of √even, which at 256 sources over 8 shards is a sixth of it.
        let margin = max(even / 3, 3 * Int(Double(even).squareRoot()))
        #expect(counts.allSatisfy { abs($0 - even) <= margin }, "\(name) over \(count): \(counts)")
    }

    @Test("by the address alone, hosts spread and ports do not matter")
    func addressAlone() {
        let hosts = Self.populations[3].sources
        let counts = spread(hosts, 4, .sourceAddressHash)
        #expect(counts.allSatisfy { abs($0 - 256) < 86 }, "\(counts)")
        let ports = spread(Self.populations[0].sources, 4, .sourceAddressHash)
        #expect(ports.sorted() == [0, 0, 0, 1024])
    }

    @Test("IPv4 peers of an IPv6 socket hash as elsewhere")
    func mapped() {
        for port: UInt16 in 1000..<1100 {
            let plain = SocketAddress(IPAddress(v4: 0xc000_0201), port: port)
            let mapped = SocketAddress(IPAddress(v6High: 0, low: 0xffff_c000_0201), port: port)
            #expect(
                SteeringHash(source: plain, includesPort: true).value
                    == SteeringHash(source: mapped, includesPort: true).value)
        }
    }

    @Test("a shard that leaves moves no peer but its own, and those spread")
    func leaving() throws {
        let sources = Self.populations[0].sources
        var moved = [0, 0, 0, 0]
        for source in sources {
            let before = try #require(ShardSteering.sourceHash.shard(for: source, count: 4, active: [0, 1, 2, 3]))
            let after = try #require(ShardSteering.sourceHash.shard(for: source, count: 4, active: [0, 2, 3]))
            if before == 1 { moved[after] += 1 } else { #expect(after == before) }
        }
        #expect(moved[1] == 0)
        #expect([0, 2, 3].allSatisfy { (57...114).contains(moved[$0]) }, "256 over three: \(moved)")
    }

    @Test("what does not follow from the source is not said")
    func unknown() {
        let source = SocketAddress(.loopbackV4, port: 1)
        #expect(ShardSteering.cpu.shard(for: source, count: 2, active: [0, 1]) == nil)
        #expect(ShardSteering.kernel.shard(for: source, count: 2, active: [0, 1]) == nil)
        #expect(ShardSteering.kernel.shard(for: source, count: 2, active: [1]) == 1)
    }

    @Test("the longest program is one the kernel takes")
    func programLength() {
        let count = EventLoopGroup.countMax
        for steering in [ShardSteering.sourceHash, .cpu] {
            for active in [Array(0..<count), Array(1..<count), Array(0..<count / 2), [count - 1]] {
                let program = SteeringProgram(
                    steering, count: count, active: active, processors: Array(0..<count))
                #expect(program.instructions.count <= 4096)
            }
        }
    }
}
