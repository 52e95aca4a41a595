import Testing
import VolleyCore
import VolleyTesting

@Suite("The datagram contract, on a capture")
struct ContractReplayTests {
    @Test("replay over IPv4, bound", arguments: DatagramContract.scenarios)
    func boundIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { ReplayContractWorld(host: IPAddress(v4: 0x7f00_0001), isConnected: false) }
    }

    @Test("replay over IPv4, connected", arguments: DatagramContract.scenarios)
    func connectedIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { ReplayContractWorld(host: IPAddress(v4: 0x7f00_0001), isConnected: true) }
    }

    @Test("replay over IPv6, bound", arguments: DatagramContract.scenarios)
    func boundIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { ReplayContractWorld(host: IPAddress(v6High: 0, low: 1), isConnected: false) }
    }

    @Test("replay over IPv6, connected", arguments: DatagramContract.scenarios)
    func connectedIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { ReplayContractWorld(host: IPAddress(v6High: 0, low: 1), isConnected: true) }
    }
}
