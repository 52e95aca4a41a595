import SystemPackage
import Testing
import VolleyTesting

/// The contract has to find a transport out that breaks it; each of these worlds tells one lie.
@Suite("The contract finds out")
struct ContractItselfTests {
    /// A way to go wrong.
    enum Lie: CaseIterable {
        case reordersBatches, losesEveryThird, repeatsSends, keepsSendsSilent, deliversAfterClose
    }

    @Test("a world that breaks the contract fails scenarios", arguments: Lie.allCases)
    func lies(_ lie: Lie) {
        var failures = 0
        for scenario in DatagramContract.scenarios {
            let world = LyingWorld(lie)
            guard scenario.inapplicability(to: world.capabilities) == nil else { continue }
            do throws(ContractFailure) { try scenario.run { LyingWorld(lie) } } catch { failures += 1 }
        }
        #expect(failures > 0)
    }

    @Test("a failure says what was expected, where, and how the protocol took its datagrams")
    func failureText() throws {
        let scenario = try #require(DatagramContract.scenarios.first { $0.rows.contains("D1") })
        let failure = #expect(throws: ContractFailure.self) { try scenario.run { LyingWorld(.losesEveryThird) } }
        #expect(failure?.message.contains("payloads: expected [\"hello\"], got []") == true)
        #expect(failure?.message.hasSuffix("(datagram by datagram)") == true)
        #expect(failure?.fileID.hasSuffix("DatagramContract+Receiving.swift") == true)
    }

    @Test("a scenario says what it misses in a world that cannot play it")
    func inapplicable() throws {
        let scenario = try #require(DatagramContract.scenarios.first { $0.needs == [.unconnected, .deafPeer] })
        let reason = scenario.inapplicability(to: [.connected, .deafPeer])
        #expect(reason == "the world does not offer an unconnected endpoint")
        #expect(scenario.inapplicability(to: [.unconnected, .deafPeer]) == nil)
    }
}

/// A world in memory that does not do what it should.
private final class LyingWorld: ContractWorld {
    private let lie: ContractItselfTests.Lie
    private let truth = InMemoryContractWorld(host: IPAddress(v4: 0x7f00_0001), isConnected: false)
    private weak var listener: (any DatagramProtocol)?
    private var count = 0

    init(_ lie: ContractItselfTests.Lie) { self.lie = lie }

    var capabilities: ContractCapabilities { truth.capabilities }
    var peers: [PeerAddress] { truth.peers }
    var faults: TransportFaults? { truth.faults }
    var oversizedCount: Int { truth.oversizedCount }
    var deafPeer: PeerAddress? { truth.deafPeer }

    func open(_ protocol: any DatagramProtocol, options: ContractOptions) throws {
        listener = `protocol`
        truth.open(`protocol`, options: options)
    }

    func deliver(_ batch: [ContractDatagram]) {
        switch lie {
        case .reordersBatches: truth.deliver(batch.reversed())
        case .losesEveryThird:
            truth.deliver(
                batch.filter { _ in
                    count += 1
                    return !count.isMultiple(of: 3) && count > 1
                })
        default: truth.deliver(batch)
        }
    }

    func arrivals(at peer: Int) -> [[UInt8]] {
        let arrivals = truth.arrivals(at: peer)
        switch lie {
        case .repeatsSends: return arrivals + arrivals.suffix(1)
        case .keepsSendsSilent: return []
        default: return arrivals
        }
    }

    func turn() { truth.turn() }

    func settle() {
        truth.settle()
        if lie == .deliversAfterClose {
            listener?.errorReceived(DatagramError(.connectionRefused, operation: .receive))
        }
    }
}
