import { Megaphone } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/subscriptions', label: msg('Subscriptions'), icon: Megaphone, order: 65 },
  routes: [
    { path: '/subscriptions', load: () => import('./index') },
    { path: '/subscriptions/$subscriptionId', load: () => import('./Subscription') },
  ],
});
