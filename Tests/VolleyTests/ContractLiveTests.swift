import Testing
import VolleyTesting

@Suite("The datagram contract, live", .timeLimit(.minutes(10)))
struct ContractLiveTests {
    @Test("UDP over IPv4, bound", arguments: DatagramContract.scenarios)
    func boundIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: false) }
    }

    @Test("UDP over IPv4, connected", arguments: DatagramContract.scenarios)
    func connectedIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: true) }
    }

    @Test("UDP over IPv6, bound", arguments: DatagramContract.scenarios)
    func boundIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: false) }
    }

    @Test("UDP over IPv6, connected", arguments: DatagramContract.scenarios)
    func connectedIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: true) }
    }

    @Test("UDP over IPv4 in trains, bound", arguments: DatagramContract.scenarios)
    func boundTrains(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: false, usesTrains: true) }
    }

    @Test("UDP over IPv6 in trains, bound", arguments: DatagramContract.scenarios)
    func boundTrainsIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: false, usesTrains: true) }
    }

    @Test("UDP over IPv4 in trains, connected", arguments: DatagramContract.scenarios)
    func connectedTrains(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: true, usesTrains: true) }
    }

    @Test("UDP over IPv6 in trains, connected", arguments: DatagramContract.scenarios)
    func connectedTrainsIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: true, usesTrains: true) }
    }

    @Test("UDP over IPv4, one of three shards", arguments: DatagramContract.scenarios)
    func shardIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: false, isSharded: true) }
    }

    @Test("UDP over IPv6, one of three shards", arguments: DatagramContract.scenarios)
    func shardIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: false, isSharded: true) }
    }

    @Test("UDP over IPv4, bound, with the error queue", arguments: DatagramContract.scenarios)
    func boundIPv4WithErrors(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: false, receivesErrors: .all) }
    }

    @Test("UDP over IPv4, connected, with the error queue", arguments: DatagramContract.scenarios)
    func connectedIPv4WithErrors(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv4, isConnected: true, receivesErrors: .connected) }
    }

    @Test("UDP over IPv6, bound, with the error queue", arguments: DatagramContract.scenarios)
    func boundIPv6WithErrors(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: false, receivesErrors: .all) }
    }

    @Test("UDP over IPv6, connected, with the error queue", arguments: DatagramContract.scenarios)
    func connectedIPv6WithErrors(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.ipv6, isConnected: true, receivesErrors: .connected) }
    }

    @Test("Unix datagrams, bound to a path", arguments: DatagramContract.scenarios)
    func boundPath(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.unixPath, isConnected: false) }
    }

    @Test("Unix datagrams, connected, with paths", arguments: DatagramContract.scenarios)
    func connectedPath(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.unixPath, isConnected: true) }
    }

    @Test("Unix datagrams, bound to an abstract name", arguments: DatagramContract.scenarios)
    func boundAbstract(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.unixAbstract, isConnected: false) }
    }

    @Test("Unix datagrams, connected, with abstract names", arguments: DatagramContract.scenarios)
    func connectedAbstract(_ scenario: DatagramScenario) throws {
        try check(scenario) { try LiveContractWorld(.unixAbstract, isConnected: true) }
    }
}
