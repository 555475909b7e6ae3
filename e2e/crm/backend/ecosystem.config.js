module.exports = {
  apps: [
    {
      name: 'backend-dev',
      script: 'dist/main.js',
      watch: true,
      env: {
        NODE_ENV: 'development',
        PORT: 3001,
        ESIGN_APP_ID: '100000001',
        ESIGN_HOST: 'https://esign.example.test',
        ESIGN_PRIVATE_KEY: '@ESIGN_PRIVATE_KEY@'
      },
      env_development: {
        NODE_ENV: 'development',
        PORT: 3001,
        ESIGN_APP_ID: '100000001',
        ESIGN_HOST: 'https://esign.example.test',
        ESIGN_PRIVATE_KEY: '@ESIGN_PRIVATE_KEY@'
      },
      max_memory_restart: '300M',
      log_date_format: 'YYYY-MM-DD HH:mm:ss',
      error_file: 'logs/backend-dev-error.log',
      out_file: 'logs/backend-dev-out.log',
      merge_logs: true,
      instances: 1,
      exec_mode: 'fork',
      env_file: '.env'
    },
    {
      name: 'backend-prod',
      script: 'dist/main.js',
      env: {
        NODE_ENV: 'production',
        PORT: 3000,
        ESIGN_APP_ID: '100000001',
        ESIGN_HOST: 'https://esign.example.test',
        ESIGN_PRIVATE_KEY: '@ESIGN_PRIVATE_KEY@'
      },
      env_production: {
        NODE_ENV: 'production',
        PORT: 3000,
        ESIGN_APP_ID: '100000001',
        ESIGN_HOST: 'https://esign.example.test',
        ESIGN_PRIVATE_KEY: '@ESIGN_PRIVATE_KEY@'
      },
      max_memory_restart: '300M',
      log_date_format: 'YYYY-MM-DD HH:mm:ss',
      error_file: 'logs/backend-prod-error.log',
      out_file: 'logs/backend-prod-out.log',
      merge_logs: true,
      instances: 1,
      exec_mode: 'fork',
      env_file: '.env'
    }
  ]
};
