import Testing
import VolleyTesting

@Suite("The datagram contract, in memory")
struct InMemoryContractTests {
    @Test("unconnected, IPv4", arguments: DatagramContract.scenarios)
    func unconnectedIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { InMemoryContractWorld(host: IPAddress(v4: 0x7f00_0001), isConnected: false) }
    }

    @Test("connected, IPv4", arguments: DatagramContract.scenarios)
    func connectedIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { InMemoryContractWorld(host: IPAddress(v4: 0x7f00_0001), isConnected: true) }
    }

    @Test("unconnected, IPv6", arguments: DatagramContract.scenarios)
    func unconnectedIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { InMemoryContractWorld(host: IPAddress(v6High: 0, low: 1), isConnected: false) }
    }

    @Test("connected, IPv6", arguments: DatagramContract.scenarios)
    func connectedIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { InMemoryContractWorld(host: IPAddress(v6High: 0, low: 1), isConnected: true) }
    }
}
