// One Lockstep on Azure App Service. Checked for syntax only: it has not been deployed to a real subscription yet.
//
// Everything signs in as one user-assigned identity, the bot too, so no secret of theirs is kept anywhere. But an
// identity signs no people in: to connect subscriber accounts, give an app registration (clientId, clientSecret), and
// everything signs in as that.
//
// What a template cannot do, an administrator does once: give the identity the Graph application permissions
// Presence.Read.All, Presence.ReadWrite.All and GroupMember.Read.All, and make it an application user with the role Omnichannel Supervisor in Dynamics.

@description('Goes into every name. Lower-case letters and digits.')
@minLength(3)
@maxLength(12)
param resourceSuffix string

@description('The Dataverse environment of Dynamics 365 Contact Center, such as https://contoso.crm.dynamics.com')
param dataverseUrl string

@description('What the Dataverse webhook sends in x-lockstep-key. At least 16 characters.')
@secure()
@minLength(16)
param dataverseWebhookKey string

@description('Who may see and set whom through the bot: managers=reps, Entra groups by object id; managers=* for all reps. Empty: everybody sees only herself.')
param botManagers string = ''

@description('BOT_SUPERVISORS: pairs role=reps, comma separated; a security role of Dynamics by its name.')
param botSupervisors string = ''

@description('The Entra group that may have alerts posted to a channel. Empty: nobody.')
param botAdmins string = ''

@description('A second key that the webhook may send, while the first is being replaced. Empty: none.')
@secure()
param dataverseWebhookKeyNext string = ''

@description('The key that shows GET /metrics to whoever sends it. Empty: nobody sees any.')
@secure()
param metricsKey string = ''

@description('Further Dataverse organizations whose webhooks are ours, by id, separated by commas.')
param dataverseOrganizationIds string = ''

@description('How often Teams and Dynamics are read, in seconds.')
param teamsPollSeconds int = 5
param dynamicsPollSeconds int = 10

@description('How long a rep may be gone from Dynamics before what she chose there is withdrawn from Teams, in seconds.')
param dynamicsReconnectSeconds int = 180

@description('An app registration in place of the managed identity: needed to connect subscriber accounts, which sign in through it.')
param clientId string = ''

@description('Its secret.')
@secure()
param clientSecret string = ''

@description('Encrypts the sign-ins of subscriber accounts: 32 bytes in Base64. Empty: none can be connected.')
@secure()
param cacheKey string = ''

@description('The key that cacheKey replaces, until the next restart.')
@secure()
param cacheKeyPrevious string = ''

@description('Object ids of accounts that may be connected, separated by commas, beside those with the app role Presence.Admin.')
param subscriberAccounts string = ''

@description('Asks Teams for notifications that carry the presence, encrypted.')
param richNotifications bool = false

@description('A second app registration that only reads Teams, with a limit of its own, and its secret.')
param readerClientId string = ''
@secure()
param readerClientSecret string = ''

@description('Applications that may report calls and shifts, each with its secret: phone=whsec_…')
@secure()
param partners string = ''

@description('Hosts that may be told of changes although their addresses are not public, separated by commas.')
param subscriberHosts string = ''

@description('The App ID URI that applications name when they ask for a token. Empty: api:// and the client id.')
param apiAudience string = ''

@description('A policy file on the share of the database, such as /mounts/lockstep/policy.json. Empty: the default policy.')
param policyFile string = ''

@allowed(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
param logLevel string = 'info'

param location string = resourceGroup().location

@description('Basic is the smallest that can be always on. One instance only: SQLite has one writer.')
param planSku string = 'B1'

@description('The toolkit takes an empty variable for a missing one, and stops. What shall not be set is called none.')
func given(text string) string => text == 'none' ? '' : text

var name = 'lockstep-${resourceSuffix}'
var databaseFolder = '/mounts/lockstep'
var usesApp = !empty(given(clientId))
var appId = usesApp ? clientId : identity.properties.clientId
var kept = '@Microsoft.KeyVault(VaultName=${vault.name};SecretName='
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'ls-${resourceSuffix}-${take(uniqueString(resourceGroup().id), 6)}'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
  }
}

// One that is not set is not kept: the service takes an empty setting for none.
var secrets = [
  { name: 'dataverse-webhook-key', value: dataverseWebhookKey }
  { name: 'dataverse-webhook-key-next', value: dataverseWebhookKeyNext }
  { name: 'metrics-key', value: metricsKey }
  { name: 'client-secret', value: clientSecret }
  { name: 'cache-key', value: cacheKey }
  { name: 'cache-key-previous', value: cacheKeyPrevious }
  { name: 'reader-client-secret', value: readerClientSecret }
  { name: 'partners', value: partners }
]

resource keptSecrets 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [for secret in secrets: if (!empty(given(secret.value))) {
  parent: vault
  name: secret.name
  properties: {
    value: secret.value
  }
}]

resource mayReadSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

// SQLite needs locks that hold and flushes that are true. /home of App Service is an SMB share and gives neither,
// so the file lies on an NFS share, which wants a network of its own.
resource network 'Microsoft.Network/virtualNetworks@2024-01-01' = {
  name: name
  location: location
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/24'] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.20.0.0/26'
          delegations: [{ name: 'web', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
          serviceEndpoints: [{ service: 'Microsoft.Storage' }]
        }
      }
    ]
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'ls${resourceSuffix}${take(uniqueString(resourceGroup().id), 6)}'
  location: location
  kind: 'FileStorage'
  sku: { name: 'Premium_LRS' }
  properties: {
    // NFS does not travel over HTTPS; only the subnet below can reach the account.
    supportsHttpsTrafficOnly: false
    minimumTlsVersion: 'TLS1_2'
    allowBlobPublicAccess: false
    networkAcls: {
      defaultAction: 'Deny'
      bypass: 'None'
      virtualNetworkRules: [{ id: network.properties.subnets[0].id }]
    }
  }

  resource files 'fileServices' = {
    name: 'default'

    resource share 'shares' = {
      name: 'lockstep'
      properties: {
        enabledProtocols: 'NFS'
        rootSquash: 'NoRootSquash'
        shareQuota: 100
      }
    }
  }
}

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: name
  location: location
  kind: 'linux'
  sku: { name: planSku, capacity: 1 }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2023-12-01' = {
  name: name
  location: location
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: network.properties.subnets[0].id
    siteConfig: {
      linuxFxVersion: 'NODE|24-lts'
      appCommandLine: 'node src/main.ts'
      alwaysOn: true
      numberOfWorkers: 1
      // Not /readyz: a system that does not answer is no reason to restart us.
      healthCheckPath: '/livez'
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
    }
  }

  resource mounts 'config' = {
    name: 'azurestorageaccounts'
    properties: {
      database: {
        type: 'AzureFiles'
        protocol: 'Nfs'
        accountName: storage.name
        shareName: storage::files::share.name
        mountPath: databaseFolder
      }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      PORT: '8080'
      PUBLIC_URL: 'https://${app.properties.defaultHostName}'
      TENANT_ID: tenant().tenantId
      MANAGED_IDENTITY_CLIENT_ID: usesApp ? '' : identity.properties.clientId
      CLIENT_ID: given(clientId)
      CLIENT_SECRET: empty(given(clientSecret)) ? '' : '${kept}client-secret)'
      READER_CLIENT_ID: given(readerClientId)
      READER_CLIENT_SECRET: empty(given(readerClientSecret)) ? '' : '${kept}reader-client-secret)'
      BOT_ID: appId
      BOT_MANAGERS: given(botManagers)
      BOT_SUPERVISORS: given(botSupervisors)
      BOT_ADMINS: given(botAdmins)
      DATAVERSE_URL: dataverseUrl
      DATAVERSE_WEBHOOK_KEY: '${kept}dataverse-webhook-key)'
      DATAVERSE_WEBHOOK_KEY_NEXT: empty(given(dataverseWebhookKeyNext)) ? '' : '${kept}dataverse-webhook-key-next)'
      METRICS_KEY: empty(given(metricsKey)) ? '' : '${kept}metrics-key)'
      DATAVERSE_ORGANIZATION_IDS: given(dataverseOrganizationIds)
      TEAMS_POLL_SECONDS: string(teamsPollSeconds)
      DYNAMICS_POLL_SECONDS: string(dynamicsPollSeconds)
      DYNAMICS_RECONNECT_SECONDS: string(dynamicsReconnectSeconds)
      CACHE_KEY: empty(given(cacheKey)) ? '' : '${kept}cache-key)'
      CACHE_KEY_PREVIOUS: empty(given(cacheKeyPrevious)) ? '' : '${kept}cache-key-previous)'
      SUBSCRIBER_ACCOUNTS: given(subscriberAccounts)
      RICH_NOTIFICATIONS: richNotifications ? 'true' : 'false'
      PARTNERS: empty(given(partners)) ? '' : '${kept}partners)'
      SUBSCRIBER_HOSTS: given(subscriberHosts)
      API_AUDIENCE: given(apiAudience)
      DATABASE_URL: 'sqlite:${databaseFolder}/lockstep.db'
      POLICY_FILE: given(policyFile)
      LOG_LEVEL: logLevel
      // The package is complete when it arrives.
      SCM_DO_BUILD_DURING_DEPLOYMENT: 'false'
    }
    dependsOn: [mayReadSecrets, mounts, keptSecrets]
  }
}

// F0 is free for Teams. The endpoint takes nothing without a token of the Bot Framework for this identity, or this app.
resource bot 'Microsoft.BotService/botServices@2022-09-15' = {
  name: name
  location: 'global'
  kind: 'azurebot'
  sku: { name: 'F0' }
  properties: {
    displayName: 'Lockstep'
    endpoint: 'https://${app.properties.defaultHostName}/api/messages'
    msaAppId: appId
    msaAppTenantId: identity.properties.tenantId
    msaAppType: usesApp ? 'SingleTenant' : 'UserAssignedMSI'
    msaAppMSIResourceId: usesApp ? null : identity.id
  }

  resource teams 'channels' = {
    name: 'MsTeamsChannel'
    location: 'global'
    properties: {
      channelName: 'MsTeamsChannel'
    }
  }
}

output BOT_ID string = appId
output BOT_TENANT_ID string = identity.properties.tenantId
output BOT_DOMAIN string = app.properties.defaultHostName
output BOT_AZURE_APP_SERVICE_RESOURCE_ID string = app.id
